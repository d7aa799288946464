"""What git and the registry say: history, audit, a model's details, two versions compared."""
