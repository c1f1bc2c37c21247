package milvus

import (
	"context"
	"math"
	"time"

	retry "github.com/grpc-ecosystem/go-grpc-middleware/retry"
	"github.com/milvus-io/milvus-sdk-go/v2/client"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"

	"clipseek/orchestrator/fault"
)

// dial makes a client of the configured database. It asks nothing of the server: the first call connects, and so does
// the first call after a loss.
//
// The client's own ways are turned off where they would hide the server's state from callers: it waits for the
// connection, repeats a call for minutes, leaves the connection of a failed greeting behind, and reports a refusal as
// text without its code.
func dial(cfg Config) (*client.GrpcClient, error) {
	config, err := cfg.TLS.Client()
	if err != nil {
		return nil, err
	}
	transport := insecure.NewCredentials()
	if config != nil {
		transport = credentials.NewTLS(config)
	}
	edge := edge{address: cfg.Address, read: cfg.Timeout, write: cfg.WriteTimeout}
	made, err := client.NewClient(context.Background(), client.Config{
		Address: cfg.Address, DBName: cfg.Database,
		Username: cfg.User, Password: cfg.Password, APIKey: cfg.Token,
		DisableConn:    true,                           // no greeting, which also looks for the database before it can be made
		RetryRateLimit: &client.RetryRateLimitOption{}, // none
		DialOptions: []grpc.DialOption{
			grpc.WithTransportCredentials(transport),
			grpc.WithChainUnaryInterceptor(edge.intercept), // around the client's own interceptors
			grpc.WithDefaultCallOptions(retry.Disable(), grpc.MaxCallRecvMsgSize(math.MaxInt32)),
			grpc.WithConnectParams(grpc.ConnectParams{
				Backoff:           backoff.Config{BaseDelay: 100 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: 2 * time.Second},
				MinConnectTimeout: 3 * time.Second,
			}),
			grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 10 * time.Second, Timeout: 5 * time.Second}), // Milvus takes pings 5 s apart
		},
	})
	if err != nil {
		return nil, fault.Invalid("address = %q is not one of a Milvus; it must be host:port", cfg.Address).Because(err)
	}
	grpcClient, ok := made.(*client.GrpcClient)
	if !ok {
		return nil, fault.Internal("the Milvus client is a %T", made)
	}
	return grpcClient, nil
}
