"""Instruction data for code models: what the scripts of the four research questions share."""
