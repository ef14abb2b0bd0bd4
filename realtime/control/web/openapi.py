"""The OpenAPI description of the control server, made from the tables of verbs and values. Pure."""

from typing import Any

from realtime.control.values import VALUES, Value
from realtime.control.verbs import ACTIONS
from realtime.control.web.roles import Role, may_use, sees


def description(role: Role = Role.OWNER) -> dict[str, Any]:
    """The description, with the verbs and values that `role` may use."""
    picture = {"description": "The picture.", "content": {"image/jpeg": {}}}
    json_answer = {"description": "JSON.", "content": {"application/json": {}}}
    number = {"name": "number", "in": "path", "required": True, "schema": {"type": "integer"}}
    paths: dict[str, Any] = {
        "/control": {
            "post": {
                "summary": "Do one verb, or set one value; gives the state after it.",
                "requestBody": {
                    "required": True,
                    "content": {"application/json": {"schema": {"oneOf": _messages(role)}}},
                },
                "responses": {
                    "200": json_answer,
                    "400": {"description": "Refused: the error says why."},
                    "403": {"description": "Not for this role, site or host."},
                },
            }
        },
        "/snapshot.jpg": {"get": {"summary": "The newest picture.", "responses": {"200": picture}}},
        "/stream.mjpg": {
            "get": {
                "summary": "The pictures as Motion JPEG.",
                "responses": {"200": {"description": "multipart/x-mixed-replace."}},
            }
        },
        "/saved/{number}": {
            "parameters": [number],
            "get": {"summary": "A saved snapshot.", "responses": {"200": picture}},
        },
        "/ws": {
            "get": {
                "summary": "WebSocket: the same messages; pictures (JPEG) and state come back.",
                "responses": {"101": {"description": "Switching protocols."}},
            }
        },
    }
    if role is not Role.VIEWER:
        paths["/saved/{number}"]["delete"] = {
            "summary": "Delete it from the disk; guests only what they took.",
            "responses": {"200": json_answer, "403": {"description": "Not yours."}},
        }
    if role is Role.OWNER:
        text = {"description": "Prometheus text.", "content": {"text/plain": {}}}
        paths["/status"] = {"get": {"summary": "The run.", "responses": {"200": json_answer}}}
        paths["/metrics"] = {"get": {"summary": "Figures.", "responses": {"200": text}}}
    info = {"title": "stylecam", "version": "1", "description": "Controls a running stylecam."}
    return {"openapi": "3.1.0", "info": info, "paths": paths}


def _messages(role: Role) -> list[dict[str, Any]]:
    """A schema for {"verb": …}, and one for each value."""
    verbs = [action.name for action in ACTIONS if may_use(role, action.name)]
    labels = "; ".join(f"{a.name}: {a.label}" for a in ACTIONS if a.name in verbs)
    messages = [_object("verb", {"type": "string", "enum": verbs, "description": labels})]
    return messages + [
        _object(value.name, _schema(value) | {"description": value.label})
        for value in VALUES.values()
        if sees(role, value.name) and (role is Role.OWNER or value.guest)
    ]


def _object(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {name: schema},
        "required": [name],
        "additionalProperties": False,
    }


def _schema(value: Value) -> dict[str, Any]:
    match value.kind:
        case "number":
            low, high = value.range or (0, 1)
            return {"type": "number", "minimum": low, "maximum": high}
        case "switch":
            return {"type": "boolean"}
        case "choice":
            return {"enum": list(value.choices)}
        case "style":
            return {"type": "string"}
