package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"clipseek/orchestrator/app"
)

func (p *program) serveCommand() *cobra.Command {
	var roots []string
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the service and its page",
		Long: `Run the service and its page, by default on http://127.0.0.1:9099, until Ctrl-C.

Other clipseek commands may work on the same data folder meanwhile; what they index is found within a second.` + exitCodesHelp,
		Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if len(roots) > 0 {
				p.flags["ingest.roots"] = roots
			}
			cfg, log, err := p.load()
			if err != nil {
				return err
			}
			service, err := app.OpenService(cmd.Context(), cfg, app.Version(), log)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, service.Close()) }()
			if _, err := fmt.Fprintf(p.err, "clipseek is at %s  (Ctrl-C stops it)\n", service.URL()); err != nil {
				return err
			}
			return service.Run(cmd.Context())
		},
	}
	p.configFlag(cmd, "server.listen", "listen", "`HOST:PORT` (default 127.0.0.1:9099; port 0 takes a free one)")
	p.configFlag(cmd, "collection", "collection", "`NAME` of the collection that is used when a request names none")
	cmd.Flags().StringArrayVar(&roots, "root", nil, "`DIR` below which the page and the API may ingest folders; may be repeated")
	return cmd
}
