package conformance

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"sort"
	"strings"
)

// Scenario is a conversation with a bridge and what must come of it.
type Scenario struct {
	// Topic is the name of its file.
	Topic string
	// Name says what it proves.
	Name string
	// Not says which faces cannot take part, and why.
	Not map[string]string
	// NoSession is set where the scenario begins without a session of its own.
	NoSession bool
	// Steps in their order.
	Steps []Object
	// Case holds the placeholders of a scenario that is one of many alike.
	Case Object
}

// ID names a scenario in tables and on the command line.
func (s *Scenario) ID() string { return s.Topic + ": " + s.Name }

// Topic is one file of scenarios.
type Topic struct {
	// Name of the file, without its ending.
	Name string
	// About says what the topic proves.
	About string
	// Scenarios in their order.
	Scenarios []*Scenario
}

// file is a topic as it is written.
type file struct {
	About     string            `json:"about"`
	Not       map[string]string `json:"not"`
	Scenarios []struct {
		Name    string            `json:"name"`
		Not     map[string]string `json:"not"`
		Session *bool             `json:"session"`
		Steps   []json.RawMessage `json:"steps"`
		Each    json.RawMessage   `json:"each"`
	} `json:"scenarios"`
}

// Load reads the topics of a folder in the order of their names.
func Load(folder fs.FS) ([]*Topic, error) {
	names, err := fs.Glob(folder, "*.json")
	if err != nil || len(names) == 0 {
		return nil, fmt.Errorf("no scenarios are there: %w", err)
	}
	sort.Strings(names)
	topics := make([]*Topic, 0, len(names))
	for _, name := range names {
		text, err := fs.ReadFile(folder, name)
		if err != nil {
			return nil, fmt.Errorf("read scenarios: %w", err)
		}
		topic, err := parseTopic(strings.TrimSuffix(path.Base(name), ".json"), text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		topics = append(topics, topic)
	}
	return topics, unique(topics)
}

func parseTopic(name string, text []byte) (*Topic, error) {
	if _, err := Parse(text); err != nil { // sees members that stand twice
		return nil, err
	}
	var f file
	if err := json.Unmarshal(text, &f); err != nil {
		return nil, fmt.Errorf("parse: %w", err)
	}
	topic := &Topic{Name: name, About: f.About}
	for _, written := range f.Scenarios {
		s := &Scenario{Topic: name, Name: written.Name, Not: merged(f.Not, written.Not), NoSession: written.Session != nil && !*written.Session}
		for _, step := range written.Steps {
			object, err := parseObject(step)
			if err != nil {
				return nil, fmt.Errorf("scenario %q: %w", written.Name, err)
			}
			s.Steps = append(s.Steps, object)
		}
		all, err := cases(s, written.Each)
		if err != nil {
			return nil, fmt.Errorf("scenario %q: %w", written.Name, err)
		}
		topic.Scenarios = append(topic.Scenarios, all...)
	}
	return topic, nil
}

// merged are the reasons of a topic and those of a scenario; an empty one takes a topic's reason back.
func merged(topic, own map[string]string) map[string]string {
	out := map[string]string{}
	for _, reasons := range []map[string]string{topic, own} {
		for face, why := range reasons {
			out[face] = why
			if why == "" {
				delete(out, face)
			}
		}
	}
	return out
}

// cases makes a scenario of each case, where there are any.
func cases(s *Scenario, each json.RawMessage) ([]*Scenario, error) {
	if len(each) == 0 {
		return []*Scenario{s}, nil
	}
	table, err := parseObject(each)
	if err != nil {
		return nil, err
	}
	var out []*Scenario
	for _, m := range table {
		placeholders, is := m.Value.(Object)
		if !is {
			placeholders = Object{{"case", m.Value}}
		}
		c := *s
		c.Name, c.Case = s.Name+": "+m.Name, placeholders
		if not, is := placeholders.Get("not").(Object); is {
			c.Not = merged(s.Not, texts(not))
		}
		out = append(out, &c)
	}
	return out, nil
}

func texts(o Object) map[string]string {
	out := map[string]string{}
	for _, m := range o {
		out[m.Name], _ = m.Value.(string)
	}
	return out
}

func parseObject(text []byte) (Object, error) {
	document, err := Parse(text)
	if err != nil {
		return nil, err
	}
	object, is := document.(Object)
	if !is {
		return nil, fmt.Errorf("want an object, got %s", text)
	}
	return object, nil
}

func unique(topics []*Topic) error {
	seen := map[string]bool{}
	for _, topic := range topics {
		for _, s := range topic.Scenarios {
			if seen[s.ID()] {
				return fmt.Errorf("scenario %q stands twice", s.ID())
			}
			seen[s.ID()] = true
		}
	}
	return nil
}
