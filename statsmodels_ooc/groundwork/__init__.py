"""What models and selections are built on: opened formulas, kernels of families, likelihoods."""
