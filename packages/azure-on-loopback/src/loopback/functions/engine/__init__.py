"""Running orchestrations, activities and entities: what each change of the store leads to."""
