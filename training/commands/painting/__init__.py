"""What `stylecam paint` is made of: its options, inputs, what it shows, sweeps and sheets."""
