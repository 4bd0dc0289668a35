"""Instruction data for code models: the code that the scripts of the four research questions share."""
