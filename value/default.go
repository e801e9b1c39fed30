package value

import (
	"encoding"
	"encoding/json"
	"errors"
	"reflect"
	"time"
)

// ParseDefault reads the text of a tag such as default into what target points to: plain text for a string and for types that read their
// own text, such as time.Time, also "1m30s" for a time.Duration; JSON for everything else.
func ParseDefault(text string, target any) error {
	to := reflect.ValueOf(target)
	if to.Kind() != reflect.Pointer || to.IsNil() {
		return errors.New("the target must be a pointer that is not nil")
	}
	return parseDefault(text, to.Elem())
}

func parseDefault(text string, to reflect.Value) error {
	if to.Kind() == reflect.Pointer {
		fresh := reflect.New(to.Type().Elem())
		if err := parseDefault(text, fresh.Elem()); err != nil {
			return err
		}
		to.Set(fresh)
		return nil
	}
	if to.Type() == reflect.TypeFor[time.Duration]() {
		if d, err := time.ParseDuration(text); err == nil {
			to.SetInt(int64(d))
			return nil
		}
	}
	if u, ok := addressed[encoding.TextUnmarshaler](to); ok {
		err := u.UnmarshalText([]byte(text))
		if err != nil && json.Unmarshal([]byte(text), to.Addr().Interface()) == nil {
			return nil
		}
		return err
	}
	if to.Kind() == reflect.String {
		to.SetString(text)
		return nil
	}
	return json.Unmarshal([]byte(text), to.Addr().Interface())
}
