"""How the networks learn: data sets, augmentation, losses, loops."""
