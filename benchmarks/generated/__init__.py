"""What is measured on: exports, archives and questions, made by chance from a seed."""
