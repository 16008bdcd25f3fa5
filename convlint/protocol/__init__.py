"""How convlint and its worker talk: frames, how a job ended, what it leaves behind. Neither side's torch is needed."""
