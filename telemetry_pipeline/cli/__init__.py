"""What a person types. Each command is one module; what it shows or asks is worked out in the modules beside it."""
