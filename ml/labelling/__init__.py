"""Working with few labels or none: classes by description, and which texts to label next."""
