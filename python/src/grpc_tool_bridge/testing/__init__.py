"""What tests of tools need: a bridge in memory and pytest fixtures."""
