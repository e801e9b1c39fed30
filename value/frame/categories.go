package frame

import "github.com/apache/arrow-go/v18/arrow"

// checkSchema refuses what Arrow's libraries write, but cannot read again: categories of an extension type, such as UUIDs.
func checkSchema(s *arrow.Schema) error {
	for _, f := range s.Fields() {
		if name := extendedCategories(f); name != "" {
			return failf("$"+step(f.Name), "column %q has categories of type %s, which Arrow's readers refuse: make the column one of texts, or of values that are no categories",
				shortened(f.Name), name)
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
