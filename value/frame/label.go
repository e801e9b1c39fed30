package frame

import (
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/grpc-tool-bridge/toolbridge/value"
)

// texts are the texts of labels that the notes tell one by one.
func texts(labels []any) ([]string, error) {
	return levelTexts(labels, "None")
}

// indexTexts are the texts of labels that are the index of a DataFrame without columns; those of several levels are tuples.
func indexTexts(encoded []byte) ([]string, error) {
	index, err := Read(PandasDataFrame, encoded)
	if err != nil {
		return nil, failf("$", "the names of the columns, as an index: %v", err)
	}
	levels := make([][]any, index.schema.NumFields())
	for level := range levels {
		column, err := index.ColumnAt(level)
		if err != nil {
			return nil, err
		}
		if levels[level], err = column.Shown(); err != nil {
			return nil, failf("$", "the names of the columns, as an index: %v", err)
		}
	}
	switch len(levels) {
	case 0:
		return nil, failf("$", "the names of the columns, as an index: it has no level")
	case 1:
		return levelTexts(levels[0], missingText(index.schema.Field(0)))
	}
	found := make([]string, len(levels[0]))
	for i := range found {
		label := make(value.Tuple, len(levels))
		for level, values := range levels {
			label[level] = values[i]
		}
		if found[i], err = labelText(label, ""); err != nil {
			return nil, err
		}
	}
	return found, nil
}

func levelTexts(labels []any, missing string) ([]string, error) {
	found := make([]string, len(labels))
	for i, label := range labels {
		text, err := labelText(label, missing)
		if err != nil {
			return nil, err
		}
		found[i] = text
	}
	return found, nil
}

// missingText is how pandas writes a label that is missing.
func missingText(f arrow.Field) string {
	switch extensionOf(f).name {
	case "pandas.period":
		return "NaT"
	case "pandas.interval":
		return "nan"
	}
	switch f.Type.ID() {
	case arrow.TIMESTAMP, arrow.DURATION:
		return "NaT"
	case arrow.STRING, arrow.LARGE_STRING, arrow.STRING_VIEW, arrow.DICTIONARY, arrow.FLOAT16, arrow.FLOAT32, arrow.FLOAT64:
		return "nan"
	default:
		return "<NA>"
	}
}

// labelText is a label as Python's str writes it, and pandas in to_json(orient="records"); what has no such text here has its JSON form.
func labelText(label any, missing string) (string, error) {
	switch x := label.(type) {
	case nil:
		return missing, nil
	case string:
		return x, nil
	case bool:
		return map[bool]string{true: "True", false: "False"}[x], nil
	case float64:
		return floatText(x), nil
	case int64, *big.Int, value.Date, value.Decimal:
		return fmt.Sprint(x), nil
	case time.Time:
		return momentText(x, "-07:00"), nil
	case value.LocalDateTime:
		return momentText(x.In(time.UTC), ""), nil
	case time.Duration:
		return spanText(int64(x/(24*time.Hour)), x%(24*time.Hour)), nil
	case value.Timedelta:
		return spanText(x.Days, time.Duration(x.Nanoseconds)), nil
	default:
		text, err := value.EncodeJSON(label)
		return string(text), err
	}
}

func floatText(x float64) string {
	switch {
	case math.IsNaN(x):
		return "nan"
	case math.IsInf(x, 0):
		return strings.TrimPrefix(strings.ToLower(strconv.FormatFloat(x, 'f', -1, 64)), "+")
	case x != 0 && (math.Abs(x) < 1e-4 || math.Abs(x) >= 1e16):
		return strconv.FormatFloat(x, 'e', -1, 64)
	}
	text := strconv.FormatFloat(x, 'f', -1, 64)
	if !strings.Contains(text, ".") {
		text += ".0"
	}
	return text
}

func momentText(at time.Time, zone string) string {
	return at.Format("2006-01-02 15:04:05") + fractionText(at.Nanosecond()) + at.Format(zone)
}

// fractionText has six digits, or nine if they are needed, or none.
func fractionText(nanoseconds int) string {
	switch {
	case nanoseconds == 0:
		return ""
	case nanoseconds%1000 == 0:
		return fmt.Sprintf(".%06d", nanoseconds/1000)
	default:
		return fmt.Sprintf(".%09d", nanoseconds)
	}
}

func spanText(days int64, rest time.Duration) string {
	sign := ""
	if rest < 0 {
		days, rest = days-1, rest+24*time.Hour
	}
	if days < 0 {
		sign = "+"
	}
	return fmt.Sprintf("%d days %s%02d:%02d:%02d%s", days, sign, rest/time.Hour, rest/time.Minute%60, rest/time.Second%60,
		fractionText(int(rest%time.Second)))
}
