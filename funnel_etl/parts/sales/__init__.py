"""PART 2, sales: assignment to a representative → sale. Never imports Part 1 (`marketing`), nor is imported by it."""
