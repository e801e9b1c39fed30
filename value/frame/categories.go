package frame

import "github.com/apache/arrow-go/v18/arrow"

// checkSchema refuses what Arrow's libraries write, but cannot read again, or read as another: categories of an extension type, such as
// UUIDs, and categories of categories, of which the inner codes are written alone.
func checkSchema(s *arrow.Schema) error {
	for _, f := range s.Fields() {
		if name := extendedCategories(f); name != "" {
			return failf("$"+step(f.Name), "column %q has categories of type %s, which Arrow's readers refuse: make the column one of texts, or of values that are no categories",
				shortened(f.Name), name)
		}
		if twiceEncoded(f.Type) {
			return failf("$"+step(f.Name), "column %q has categories of categories, and comes out of an Arrow stream as its codes: make it one of values or of categories",
				shortened(f.Name))
		}
	}
	return nil
}

// extendedCategories returns the extension type of which a field, or one inside of it, has categories; "" if none has.
func extendedCategories(f arrow.Field) string {
	switch t := f.Type.(type) {
	case *arrow.DictionaryType:
		if x, ok := t.ValueType.(arrow.ExtensionType); ok {
			return x.ExtensionName()
		}
		switch x := extensionOf(f); x.name {
		case "arrow.uuid", "arrow.bool8", "arrow.json", "pandas.period", "pandas.interval": // which are never stored so
			return x.name
		}
	case arrow.NestedType:
		for _, inner := range t.Fields() {
			if name := extendedCategories(inner); name != "" {
				return name
			}
		}
	}
	return ""
}

// twiceEncoded reports whether a type is, or holds, categories of categories.
func twiceEncoded(dtype arrow.DataType) bool {
	switch t := dtype.(type) {
	case *arrow.DictionaryType:
		return t.ValueType.ID() == arrow.DICTIONARY || twiceEncoded(t.ValueType)
	case arrow.NestedType:
		for _, inner := range t.Fields() {
			if twiceEncoded(inner.Type) {
				return true
			}
		}
	}
	return false
}
