"""What benchmarks compare with: other programs, and the shape of other ledgers."""
