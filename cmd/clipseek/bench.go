package main

import (
	"time"

	"github.com/spf13/cobra"

	"clipseek/orchestrator/fault"
)

func (p *program) benchCommand() *cobra.Command {
	cmd := group("bench", "Measure how fast this machine prepares, encodes and ingests")
	cmd.AddCommand(p.benchPrepareCommand(), p.benchTokenizeCommand(), p.benchEncodeCommand(), p.benchIngestCommand())
	return cmd
}

// measuringTime is what --seconds says.
func measuringTime(seconds float64) (time.Duration, error) {
	if !(seconds > 0 && seconds <= 60) { // also true of NaN
		return 0, usageError{fault.Invalid("--seconds is %g; it must be above 0 and at most 60", seconds)}
	}
	return time.Duration(seconds * float64(time.Second)), nil
}
