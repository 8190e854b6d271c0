package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// apiPaths are a request for each path of the document.
var apiPaths = map[string]string{
	"/status": "/status", "/incidents": "/incidents?resolved=true", "/incidents/{id}": "/incidents/12", "/incidents/{id}/explanation": "/incidents/12/explanation", "/incidents/{id}/letters": "/incidents/12/letters", "/findings": "/findings?target=192.0.2.10",
	"/targets": "/targets?limit=20", "/targets/{id}": "/targets/192.0.2.10", "/lists": "/lists", "/lists/{id}": "/lists/spamcop", "/receivers": "/receivers", "/bounces": "/bounces?since=2026-01-01T00:00:00Z", "/history": "/history?list=spamcop", "/changes": "/changes?list=spamcop&limit=2",
}

func document(t *testing.T, s *Server) map[string]any {
	t.Helper()
	w := get(t, s, "/api/v1/openapi.json")
	var doc map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &doc); err != nil || w.Code != 200 {
		t.Fatalf("%d: %v", w.Code, err)
	}
	return doc
}

// fits says what of a value does not fit a schema; "" if all does. It knows the words that our
// schemas have, and refuses any other.
func fits(root map[string]any, schema map[string]any, v any, at string) string {
	if ref, ok := schema["$ref"].(string); ok {
		name := strings.TrimPrefix(ref, "#/components/schemas/")
		s, ok := root["components"].(map[string]any)["schemas"].(map[string]any)[name].(map[string]any)
		if !ok {
			return at + ": no schema " + ref
		}
		return fits(root, s, v, at)
	}
	for word := range schema {
		if !slices.Contains([]string{"type", "format", "properties", "required", "items", "additionalProperties", "enum", "description", "maxLength"}, word) {
			return at + ": schema word " + word
		}
	}
	var types []string
	switch t := schema["type"].(type) {
	case string:
		types = []string{t}
	case []any:
		for _, x := range t {
			types = append(types, x.(string))
		}
	}
	kind := map[bool]string{true: "null"}[v == nil]
	switch x := v.(type) {
	case string:
		kind = "string"
		if schema["format"] == "date-time" {
			if _, err := time.Parse(time.RFC3339, x); err != nil {
				return fmt.Sprintf("%s: %q is no time", at, x)
			}
		}
	case float64:
		if kind = "number"; x == float64(int64(x)) && slices.Contains(types, "integer") {
			kind = "integer"
		}
	case bool:
		kind = "boolean"
	case []any:
		kind = "array"
		for i, e := range x {
			if why := fits(root, schema["items"].(map[string]any), e, fmt.Sprintf("%s[%d]", at, i)); why != "" {
				return why
			}
		}
	case map[string]any:
		kind = "object"
		properties, _ := schema["properties"].(map[string]any)
		required, _ := schema["required"].([]any)
		for _, name := range required {
			if _, ok := x[name.(string)]; !ok {
				return fmt.Sprintf("%s: no %s", at, name)
			}
		}
		for name, e := range x {
			s, ok := properties[name].(map[string]any)
			if !ok {
				if s, ok = schema["additionalProperties"].(map[string]any); !ok {
					return fmt.Sprintf("%s: %s is not described", at, name)
				}
			}
			if why := fits(root, s, e, at+"."+name); why != "" {
				return why
			}
		}
	}
	if !slices.Contains(types, kind) {
		return fmt.Sprintf("%s: %s, want %v", at, kind, types)
	}
	return ""
}

func TestInterfaceIsAsItsDocumentSays(t *testing.T) {
	s := server(t, &fixture{})
	doc := document(t, s)
	if doc["openapi"] != "3.1.0" {
		t.Errorf("version %v", doc["openapi"])
	}
	paths, ids := doc["paths"].(map[string]any), map[string]bool{}
	for path, item := range paths {
		for method, x := range item.(map[string]any) {
			op := x.(map[string]any)
			if id := op["operationId"].(string); ids[id] {
				t.Errorf("operation %s twice", id)
			} else {
				ids[id] = true
			}
			for _, m := range regexp.MustCompile(`\{(\w+)\}`).FindAllStringSubmatch(path, -1) {
				if !strings.Contains(fmt.Sprint(op["parameters"]), "in:path name:"+m[1]) {
					t.Errorf("%s %s: parameter %s is not described", method, path, m[1])
				}
			}
			if method != "get" {
				continue
			}
			try, ok := apiPaths[strings.TrimPrefix(path, "/api/v1")]
			if !ok {
				t.Errorf("%s is not tried here", path)
				continue
			}
			w := get(t, s, "/api/v1"+try)
			schema := op["responses"].(map[string]any)["200"].(map[string]any)["content"].(map[string]any)["application/json"].(map[string]any)["schema"].(map[string]any)
			var v any
			if err := json.Unmarshal(w.Body.Bytes(), &v); err != nil || w.Code != 200 || w.Header().Get("Content-Type") != "application/json" {
				t.Errorf("%s: %d %s %v", try, w.Code, w.Header().Get("Content-Type"), err)
				continue
			}
			if why := fits(doc, schema, v, ""); why != "" {
				t.Errorf("%s: %s", try, why)
			}
			if len(w.Body.Bytes()) < 60 {
				t.Errorf("%s says nothing, and so proves nothing: %s", try, w.Body)
			}
			if tag := w.Header().Get("ETag"); get(t, s, "/api/v1"+try, "If-None-Match", tag).Code != 304 {
				t.Errorf("%s: no 304 for %q", try, tag)
			}
		}
	}
	for path := range apiPaths {
		if _, ok := paths["/api/v1"+path]; !ok {
			t.Errorf("%s is not described", path)
		}
	}
}

func TestInterfaceRefusesWhatItDoesNotKnow(t *testing.T) {
	s := server(t, &fixture{})
	doc := document(t, s)
	for path, want := range map[string]int{
		"/findings?tagret=192.0.2.10": 400, "/findings?target=a&target=b": 400, "/incidents?resolved=maybe": 400, "/incidents?limit=0": 400, "/incidents?limit=1001": 400, "/incidents?cursor=%00": 400,
		"/incidents?cursor=bm9uZQ": 400, "/history?since=yesterday": 400, "/changes?cursor=bm9uZQ": 400, "/changes?cursor=LTE": 400, "/bounces?cursor=bm9uZQ": 400, "/incidents/99": 404, "/incidents/x": 404, "/targets/192.0.2.99": 404, "/lists/none": 404, "/nowhere": 404,
	} {
		w := get(t, s, "/api/v1"+path)
		var v any
		if err := json.Unmarshal(w.Body.Bytes(), &v); err != nil || w.Code != want || w.Header().Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: %d, want %d; %s", path, w.Code, want, w.Body)
		} else if why := fits(doc, map[string]any{"$ref": "#/components/schemas/Problem"}, v, ""); why != "" {
			t.Errorf("%s: %s", path, why)
		}
	}
}

var nextLink = regexp.MustCompile(`^<([^>]+)>; rel="next"$`)

// Page by page there is everything, once.
func TestPagesAreWhole(t *testing.T) {
	s := server(t, &fixture{})
	for path, c := range map[string]struct{ list, id string }{
		"/incidents?resolved=true&limit=2": {"incidents", "id"}, "/findings?limit=7": {"findings", "target"}, "/targets?limit=100": {"targets", "target"}, "/lists?limit=50": {"lists", "id"}, "/bounces?limit=1": {"refused_mail", "receiver"}, "/receivers?limit=1": {"receivers", "receiver"}, "/changes?limit=4": {"changes", "target"},
	} {
		count := func(path string) (all []string) {
			for next := "/api/v1" + path; next != ""; {
				w := get(t, s, next)
				var doc map[string]any
				if err := json.Unmarshal(w.Body.Bytes(), &doc); err != nil || w.Code != 200 {
					t.Fatalf("%s: %d %s", next, w.Code, w.Body)
				}
				for _, x := range doc[c.list].([]any) {
					all = append(all, fmt.Sprint(x.(map[string]any)[c.id], x.(map[string]any)["source"]))
				}
				next = ""
				if m := nextLink.FindStringSubmatch(w.Header().Get("Link")); m != nil {
					next = m[1]
				}
				if len(all) > 10000 {
					t.Fatal("there is no end")
				}
			}
			return all
		}
		paged, whole := count(path), count(regexp.MustCompile(`limit=\d+`).ReplaceAllString(path, "limit=1000"))
		if len(paged) == 0 || !slices.Equal(paged, whole) {
			t.Errorf("%s: %d page by page, %d at once", path, len(paged), len(whole))
		}
	}
}

func TestInterfaceActs(t *testing.T) {
	f := &fixture{}
	s := guarded(t, f)
	doc := document(t, serverWith(t, f, nil))
	post := func(path, body string, headers ...string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodPost, "http://127.0.0.1:8025/api/v1"+path, strings.NewReader(body))
		for i := 0; i+1 < len(headers); i += 2 {
			r.Header.Set(headers[i], headers[i+1])
		}
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		return w
	}
	token := "Bearer " + kimsToken
	for name, c := range map[string]struct {
		path, body string
		headers    []string
		want       int
		did        string
	}{
		"with a token":               {"/incidents/12/actions", `{"kind":"ack","note":"on it"}`, []string{"Authorization", token}, 200, "ack kim on it"},
		"until a time":               {"/incidents/12/actions", `{"kind":"silence","note":"x","until":"2026-11-26T00:00:00Z"}`, []string{"Authorization", token}, 200, "silence kim x"},
		"without":                    {"/incidents/12/actions", `{"kind":"ack"}`, nil, 401, ""},
		"with a wrong one":           {"/incidents/12/actions", `{"kind":"ack"}`, []string{"Authorization", "Bearer x"}, 401, ""},
		"with a cookie":              {"/incidents/12/actions", `{"kind":"ack"}`, []string{"Cookie", signIn(t, s, kimsToken)[0].String()}, 403, ""},
		"what is not described":      {"/incidents/12/actions", `{"kind":"ack","by":"lee"}`, []string{"Authorization", token}, 400, ""},
		"what is no document":        {"/incidents/12/actions", `ack`, []string{"Authorization", token}, 400, ""},
		"too little":                 {"/incidents/12/actions", `{"kind":"silence","for":"8h"}`, []string{"Authorization", token}, 422, ""},
		"what is no action":          {"/incidents/12/actions", `{"kind":"explode"}`, []string{"Authorization", token}, 422, ""},
		"what is no incident":        {"/incidents/99/actions", `{"kind":"ack"}`, []string{"Authorization", token}, 404, ""},
		"a browser of somebody else": {"/incidents/12/actions", `{"kind":"ack"}`, []string{"Authorization", token, "Sec-Fetch-Site", "cross-site"}, 403, ""},
	} {
		f.acted = nil
		w := post(c.path, c.body, c.headers...)
		did := ""
		for _, a := range f.acted {
			did = strings.TrimSpace(fmt.Sprint(a.Kind, " ", a.By, " ", a.Note))
		}
		if w.Code != c.want || did != c.did {
			t.Errorf("%s: %d %q, want %d %q: %s", name, w.Code, did, c.want, c.did, w.Body)
		}
		if w.Code == 200 {
			var v any
			if err := json.Unmarshal(w.Body.Bytes(), &v); err != nil {
				t.Errorf("%s: %v", name, err)
			} else if why := fits(doc, map[string]any{"$ref": "#/components/schemas/IncidentAfter"}, v, ""); why != "" {
				t.Errorf("%s: %s", name, why)
			}
		}
	}
}
