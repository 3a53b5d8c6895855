"""What a prepared home holds a copy of, to be run by the interpreters of models."""
