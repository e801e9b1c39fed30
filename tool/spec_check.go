package tool

import "strings"

// MaxArguments is how many arguments a tool has at most. Arguments are looked for one by one.
const MaxArguments = 256

// Check returns nil, or a ValidationError that names what is wrong with a spec before it may be registered: its names,
// its arguments and their types, its numbers. An empty ID stands for Name, and an absent Type for Standard.
func (s *Spec) Check() *Error {
	if err := CheckName("tool name", s.Name); err != nil {
		return err
	}
	if s.ID != "" {
		if err := CheckName("tool id", s.ID); err != nil {
			return err
		}
	}
	if s.Type > External {
		return s.wrong("type", "tool %q has the type %d: want STANDARD (1), STREAMING (2) or EXTERNAL (3)", s.Name, s.Type)
	}
	if !ValidTypeName(s.ReturnType) {
		return s.wrong("return_type", "tool %q returns the unknown type %s: want one of %s", s.Name, shown(s.ReturnType), strings.Join(TypeNames(), " "))
	}
	if err := s.checkNumbers(); err != nil {
		return err
	}
	return s.checkArguments()
}

func (s *Spec) checkNumbers() *Error {
	switch {
	case s.MaxConcurrency < 0:
		return s.wrong("max_concurrency", "tool %q has max_concurrency %d: want 0 (no limit of its own) or more", s.Name, s.MaxConcurrency)
	case s.Timeout < 0:
		return s.wrong("timeout", "tool %q has the timeout %v: want 0 (the bridge's) or more", s.Name, s.Timeout)
	case !(s.RatePerSecond >= 0): // also refuses NaN
		return s.wrong("rate_per_second", "tool %q has rate_per_second %v: want 0 (no limit) or more", s.Name, s.RatePerSecond)
	case s.RateBurst < 0:
		return s.wrong("rate_burst", "tool %q has rate_burst %d: want 0 or more", s.Name, s.RateBurst)
	default:
		return nil
	}
}

func (s *Spec) checkArguments() *Error {
	if n := len(s.Arguments); n > MaxArguments {
		return s.wrong("arguments", "tool %q has %d arguments, the limit is %d: take a dict or a record instead", s.Name, n, MaxArguments)
	}
	seen := make(map[string]bool, len(s.Arguments))
	var variadic, keywords bool
	for i := range s.Arguments {
		a := &s.Arguments[i]
		if err := s.checkArgument(a); err != nil {
			return err
		}
		if seen[a.Name] {
			return s.wrongArgument(a, "is declared twice: names are unique within a tool")
		}
		seen[a.Name] = true
		if keywords {
			return s.wrongArgument(a, "stands behind the argument that takes all surplus keywords: that one is the last")
		}
		if variadic && a.Kind <= PositionalOnly {
			return s.wrongArgument(a, "can be given by position but stands behind the argument that takes all surplus ones")
		}
		if variadic && a.Kind == VarPositional {
			return s.wrongArgument(a, "is a second one that takes all surplus positional arguments: want at most one")
		}
		variadic = variadic || a.Kind == VarPositional
		keywords = keywords || a.Kind == VarKeyword
	}
	return nil
}

// checkArgument checks one argument by itself.
func (s *Spec) checkArgument(a *Argument) *Error {
	if err := CheckName("argument name of tool "+shown(s.Name), a.Name); err != nil {
		return err
	}
	if !ValidTypeName(a.Type) {
		return s.wrongArgument(a, "has the unknown type "+shown(a.Type)+": want one of "+strings.Join(TypeNames(), " "))
	}
	if a.Kind > VarKeyword {
		return s.wrongArgument(a, "has an unknown kind")
	}
	return nil
}

func (s *Spec) wrong(field, format string, args ...any) *Error {
	return Errorf(ValidationError, format, args...).With("tool", s.Name).With("field", field)
}

func (s *Spec) wrongArgument(a *Argument, what string) *Error {
	return s.wrong("arguments", "argument %q of tool %q %s", a.Name, s.Name, what).With("argument", a.Name)
}
