package tool

import "strings"

// JSONAdvice says how a value of a declared type is written in JSON, to be put behind an error that wants one and got
// what JSON has itself, at a path such as "$.rows[3]". It is "" where nothing needs to be said. Types are as errors name
// them, "datetime or none" and "datetime with an offset" too.
func JSONAdvice(path, want, got string) string {
	if got == "str" && strings.HasPrefix(path[strings.LastIndexByte(path, '[')+1:], "key") && !strings.HasSuffix(path, `"]`) {
		return `; in JSON a dict whose keys are no texts is {"$map":[[1,"a"]]}`
	}
	switch got {
	case "str", "int", "float", "bool", "list", "dict":
	default:
		return ""
	}
	for _, name := range strings.Split(want, " or ") {
		name, _, _ = strings.Cut(name, " ")
		if form := jsonForm(name); form != "" {
			return "; in JSON that is " + form
		}
	}
	return ""
}

// jsonForm returns an example of the form that values of a type have in JSON, "" if it is plain.
func jsonForm(name string) string {
	switch name {
	case "bytes":
		return `{"$bytes":"aGk="}`
	case "datetime":
		return `{"$datetime":"2024-05-06T07:08:09+02:00"}`
	case "date":
		return `{"$date":"2024-05-06"}`
	case "time":
		return `{"$time":"07:08:09"}`
	case "timedelta":
		return `{"$timedelta":"1500000"}, in microseconds`
	case "Decimal":
		return `{"$decimal":"1.10"}`
	case "UUID":
		return `{"$uuid":"f81d4fae-7dec-11d0-a765-00a0c91e6bf6"}`
	case "complex", "complex128", "complex64":
		return `{"$complex":[1.5,-2.0]}`
	case "Fraction":
		return `{"$fraction":[1,3]}`
	case "DataFrame", "Series", "Table", "ndarray":
		return `{"$frame":{"kind":"` + frameKind(name) + `","arrow":"…"}}, with the base64 of its Arrow stream`
	case "message":
		return `{"$any":{"type_url":"…","base64":"…"}}`
	}
	return ""
}

func frameKind(name string) string {
	switch name {
	case "Table":
		return "pyarrow.Table"
	case "ndarray":
		return "numpy.ndarray"
	}
	return "pandas." + name
}
