"""Sounds for powertrain: folders of WAV and FLAC, spoken digits, spectrograms, random changes of sounds, recipes."""
