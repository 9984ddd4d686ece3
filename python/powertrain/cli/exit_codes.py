"""The exit codes of the command."""

FINE, MISSED, USER, OURS = 0, 1, 2, 3
BY_SIGNAL = 128  # and the number of the signal, as shells have it: 130 Ctrl-C, 141 nobody reads the output, 143 SIGTERM
