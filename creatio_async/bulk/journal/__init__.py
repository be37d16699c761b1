"""What a bulk job writes down of itself, so that a run that died goes on where it stopped."""
