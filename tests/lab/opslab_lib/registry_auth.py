"""Who may do what at the registry: MLflow's basic auth, and the token of the registries of other shape."""

import base64
import binascii
import hmac
import json

from .httpd import Response

ROLES = ("viewer", "editor", "admin")
_HTML = "text/html; charset=utf-8"
_WHO = ("You are not authenticated. Please see https://www.mlflow.org/docs/latest/auth/index.html"
        "#authenticating-to-mlflow on how to authenticate.")


class Users:
    """The users of MLflow's basic auth. A viewer reads, an editor also writes, an admin also makes users."""

    def __init__(self, rows):
        """rows: (name, role, password)"""
        self._users = {}
        for name, role, password in rows:
            if role not in ROLES:
                raise ValueError(f"user {name}: role {role!r} is none of {', '.join(ROLES)}")
            self._users[name] = (role, password)

    @classmethod
    def read(cls, path):
        """A file of lines name:role:password."""
        with open(path, encoding="utf-8") as f:
            lines = [line.rstrip("\n") for line in f if line.strip() and not line.startswith("#")]
        for line in lines:
            if line.count(":") < 2:
                raise ValueError(f"{path}: a line is not name:role:password")
        return cls(line.split(":", 2) for line in lines)

    def _role(self, request):
        """The role of who asks, or None."""
        scheme, _space, word = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "basic":
            return None
        try:
            name, _colon, password = base64.b64decode(word.strip(), validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None
        role, right = self._users.get(name, (None, ""))
        return role if hmac.compare_digest(password.encode(), right.encode()) else None

    def refuse(self, request):
        """The 401 for who is not known, or None."""
        if self._role(request) is None:
            return Response(401, _WHO.encode(), _HTML, {"WWW-Authenticate": 'Basic realm="mlflow"'})
        return None

    def may_write(self, request):
        return self._role(request) in ("editor", "admin")

    @staticmethod
    def denied():
        return Response(403, b"Permission denied", _HTML)

    def create(self, request):
        """POST users/create: who is made so is a viewer."""
        if self._role(request) != "admin":
            return self.denied()
        try:
            asked = json.loads(request.body)
            name, password = str(asked["username"]), str(asked["password"])
        except (ValueError, KeyError, TypeError):
            return self._error("INVALID_PARAMETER_VALUE", "username and password are needed, as a JSON object")
        if name in self._users:
            return self._error("RESOURCE_ALREADY_EXISTS", f"User (username={name}) already exists.")
        self._users[name] = ("viewer", password)
        user = {"experiment_permissions": [], "id": len(self._users), "is_admin": False,
                "registered_model_permissions": [], "username": name}
        return Response(200, json.dumps({"user": user}, separators=(",", ":")).encode() + b"\n", "application/json")

    @staticmethod
    def _error(code, message):
        return Response(400, json.dumps({"error_code": code, "message": message}).encode(), "application/json")


def bears(request, token):
    """Whether a request carries the token as `Authorization: Bearer TOKEN`."""
    scheme, _space, word = request.headers.get("authorization", "").partition(" ")
    return scheme.lower() == "bearer" and hmac.compare_digest(word.strip().encode(), token.encode())
