"""Control from other programs of the same user on this machine, which `stylecam ctl` uses."""
