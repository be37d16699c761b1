"""OData, pure: expressions, literals, queries as values, and what each version makes of them."""
