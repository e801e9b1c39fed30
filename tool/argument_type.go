package tool

import "strings"

// argumentTypes is a set of names of declared types, one bit a name.
type argumentTypes uint32

const (
	noneType argumentTypes = 1 << iota
	boolType
	intType
	floatType
	strType
	bytesType
	listType
	tupleType
	setType
	dictType
	datetimeType
	dateType
	timeType
	timedeltaType
	decimalType
	uuidType
	recordType
	dataFrameType
	seriesType
	tableType
	ndarrayType
	messageType
	// anyType is what every value is of: any, and Enum, whose members may have any value.
	anyType
)

const (
	integers = anyType | intType | floatType | decimalType | messageType
	lists    = anyType | listType | tupleType | setType | recordType | messageType // named tuples are records
	dicts    = anyType | dictType | recordType | messageType
	// jsonTypes are the types whose values bare clients may give as a google.protobuf.Value, which is also the form of none.
	jsonTypes = noneType | boolType | integers | strType | lists | dicts
	// taggedTypes are the types whose values may stand in a dspex.bridge.Value: all but tables.
	taggedTypes = jsonTypes | bytesType | datetimeType | dateType | timeType | timedeltaType | uuidType
)

// TypeNames lists the names that an Argument's Type and a Spec's ReturnType may have, the same in every language.
func TypeNames() []string {
	return []string{
		"any", "none", "bool", "int", "float", "str", "bytes", "list", "tuple", "set", "dict", "datetime", "date", "time",
		"timedelta", "Decimal", "UUID", "Enum", "record", "DataFrame", "Series", "Table", "ndarray", "message",
	}
}

// ValidTypeName reports whether name is one of TypeNames, or empty, which means "any".
func ValidTypeName(name string) bool { return declared(name) != 0 }

// CanBe reports whether a value with this type URL can be of the declared type, judged by the URL alone: false is
// certain, true leaves the rest to the host, which decodes. It refuses nothing that a host might take: docs/values.md
// has the table of what fits which type, and testdata/fitting.json the same for the tests of every SDK. An empty URL is
// that of an Any that was never set, which is none. An unknown name takes nothing.
func CanBe(typeURL, typeName string, nullable bool) bool {
	types := noneType | messageType | anyType
	if typeURL != "" {
		types = carried(messageName(typeURL))
	}
	if nullable && types&noneType != 0 {
		return ValidTypeName(typeName)
	}
	return types&declared(typeName) != 0
}

// messageName is what stands behind the last slash of a type URL.
func messageName(typeURL string) string { return typeURL[strings.LastIndexByte(typeURL, '/')+1:] }

// carried returns the types of which a message of this name may be a value.
func carried(name string) argumentTypes {
	switch name {
	case "":
		return 0
	case "google.protobuf.StringValue":
		return anyType | strType | messageType
	case "google.protobuf.BoolValue":
		return anyType | boolType | messageType
	case "google.protobuf.Int64Value", "google.protobuf.Int32Value", "google.protobuf.UInt32Value", "google.protobuf.UInt64Value":
		return integers
	case "google.protobuf.DoubleValue", "google.protobuf.FloatValue":
		return anyType | floatType | messageType
	case "google.protobuf.BytesValue":
		return anyType | bytesType | messageType
	case "google.protobuf.Value":
		return jsonTypes
	case "google.protobuf.ListValue":
		return lists
	case "google.protobuf.Struct":
		return dicts
	case "dspex.bridge.Value":
		return taggedTypes
	}
	return carriedByTable(name)
}

// carriedByTable goes on where carried ends: tables, series, arrays, and what is only known by its name.
func carriedByTable(name string) argumentTypes {
	switch name {
	case "pandas.DataFrame", "polars.DataFrame":
		return anyType | dataFrameType | listType
	case "pyarrow.Table":
		return anyType | tableType | listType
	case "pandas.Series", "polars.Series":
		return anyType | seriesType
	case "numpy.ndarray":
		return anyType | ndarrayType
	}
	if strings.HasPrefix(name, "python.") {
		return anyType | strType | messageType // the text of an object
	}
	return anyType | messageType
}

// declared returns the bit of a declared type's name, 0 if there is no such name.
func declared(typeName string) argumentTypes {
	switch typeName {
	case "", "any", "Enum":
		return anyType
	case "none":
		return noneType
	case "bool":
		return boolType
	case "int":
		return intType
	case "float":
		return floatType
	case "str":
		return strType
	case "bytes":
		return bytesType
	case "list":
		return listType
	case "tuple":
		return tupleType
	case "set":
		return setType
	case "dict":
		return dictType
	case "record":
		return recordType
	}
	return declaredRare(typeName)
}

// declaredRare goes on where declared ends.
func declaredRare(typeName string) argumentTypes {
	switch typeName {
	case "datetime":
		return datetimeType
	case "date":
		return dateType
	case "time":
		return timeType
	case "timedelta":
		return timedeltaType
	case "Decimal":
		return decimalType
	case "UUID":
		return uuidType
	case "DataFrame":
		return dataFrameType
	case "Series":
		return seriesType
	case "Table":
		return tableType
	case "ndarray":
		return ndarrayType
	case "message":
		return messageType
	default:
		return 0
	}
}
