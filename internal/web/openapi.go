package web

import (
	"encoding/json"
	"net/http"

	"reputed/internal/report"
)

// describe is the OpenAPI 3.1 document of the interface, made of the endpoints that answer it
// and of the types that write its documents.
func (s *Server) describe() ([]byte, error) {
	type object = map[string]any
	ref := func(name string) object { return object{"$ref": "#/components/schemas/" + name} }
	answer := func(what, schema, kind string) object {
		return object{"description": what, "content": object{kind: object{"schema": ref(schema)}}}
	}
	failed := func(what string) object { return answer(what, "Problem", "application/problem+json") }
	paths := object{}
	for _, e := range s.endpoints() {
		var parameters []any
		add := func(p parameter) {
			in, schema := "query", object{"type": p.format}
			if p.format == "date-time" {
				schema = object{"type": "string", "format": "date-time"}
			}
			if p.path {
				in = "path"
			}
			parameters = append(parameters, object{"name": p.name, "in": in, "required": p.path, "description": p.what, "schema": schema})
		}
		for _, p := range e.query {
			add(p)
		}
		headers := object{"ETag": object{"description": "names this answer, for If-None-Match", "schema": object{"type": "string"}}}
		if e.paged {
			add(parameter{name: "cursor", what: "where the page before stopped: follow the Link header with rel=\"next\"", format: "string"})
			parameters = append(parameters, object{"name": "limit", "in": "query", "required": false, "description": "how many", "schema": object{"type": "integer", "minimum": 1, "maximum": mostOnPage, "default": pageSize}})
			headers["Link"] = object{"description": "rel=\"next\" leads to the next page (RFC 8288); without it this is the last", "schema": object{"type": "string"}}
		}
		ok := answer(e.summary, e.schema, "application/json")
		ok["headers"] = headers
		op := object{"operationId": e.id, "summary": e.summary, "responses": object{
			"200": ok, "304": object{"description": "as it was when it had the ETag that If-None-Match names"}, "400": failed("a parameter is wrong"), "401": object{"description": "sign in first"},
			"404": failed("there is no such thing"), "500": failed("it could not be read"),
		}}
		if len(parameters) > 0 {
			op["parameters"] = parameters
		}
		paths[apiRoot+e.path] = object{"get": op}
	}
	paths[apiRoot+"/incidents/{id}/actions"] = object{"post": object{
		"operationId": "act", "summary": "Do what reputed incident ack, silence, unsilence, note, requested, resolve do, or tick a step of the runbook off",
		"parameters":  []any{object{"name": "id", "in": "path", "required": true, "description": "number of the incident", "schema": object{"type": "integer"}}},
		"requestBody": object{"required": true, "content": object{"application/json": object{"schema": ref("Action")}}},
		"responses": object{"200": answer("the incident as it is then", "IncidentAfter", "application/json"), "400": failed("the document cannot be read"), "401": object{"description": "sign in first"},
			"403": failed("only with a token"), "404": failed("there is no such incident"), "409": failed("it is resolved already"), "422": failed("it says too little, or the wrong thing"), "503": failed("it could not be written; try again")},
		"security": []any{object{"token": []any{}}},
	}}
	schemas := object{}
	for name, schema := range report.Schemas() {
		schemas[name] = schema
	}
	schemas["Problem"] = object{"type": "object", "description": "RFC 9457", "required": []any{"type", "title", "status", "detail"}, "properties": object{
		"type": object{"type": "string"}, "title": object{"type": "string"}, "status": object{"type": "integer"}, "detail": object{"type": "string"}}}
	schemas["Action"] = object{"type": "object", "required": []any{"kind"}, "additionalProperties": false, "properties": object{
		"kind":  object{"type": "string", "enum": []any{"ack", "silence", "unsilence", "note", "requested", "resolve", "step", "step-open"}},
		"note":  object{"type": "string", "maxLength": 500, "description": "words for everybody; the reason of a silence, which needs one; the text of a step"},
		"for":   object{"type": "string", "enum": []any{"1h", "8h", "24h", "3d", "7d"}, "description": "of a silence"},
		"until": object{"type": "string", "format": "date-time", "description": "of a silence, in place of for; at most 90 days ahead"},
		"list":  object{"type": "string", "description": "of a request: the list, or who refuses"},
		"ref":   object{"type": "string", "description": "of a request: number of the ticket"},
		"again": object{"type": "boolean", "description": "of a request: it has been done although the list was asked not long ago, which is refused without"}}}
	return json.MarshalIndent(object{
		"openapi": "3.1.0",
		"info": object{"title": "reputed", "version": "1", "summary": "What the mail world thinks of the servers you send from",
			"description": "The documents are those of the command line with --format json; docs/json.md says what each field means. A field keeps its name and its meaning; new ones may be added."},
		"paths": paths,
		"components": object{"schemas": schemas, "securitySchemes": object{"token": object{"type": "http", "scheme": "bearer",
			"description": "a token of [web] tokens; needed for reading too if the configuration has any"}}},
		"security": []any{object{}, object{"token": []any{}}},
	}, "", " ")
}

func (s *Server) openapi(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	write(w, r, http.StatusOK, s.description)
}
