package app

import "clipseek/orchestrator/index"

// Database is the index itself, for looking after collections whatever model made them. It stays the core's to close.
func (c *Collections) Database() index.Database { return c.db }
