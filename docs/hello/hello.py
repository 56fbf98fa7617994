import os
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs, urlsplit

from authsignal import AuthsignalClient

authsignal = AuthsignalClient(os.environ["AUTHSIGNAL_API_SECRET_KEY"], os.environ["AUTHSIGNAL_API_URL"])


class Hello(BaseHTTPRequestHandler):
    def do_GET(self):
        here = urlsplit(self.path)
        token = parse_qs(here.query).get("token")
        if token:
            answer = authsignal.validate_challenge({"token": token[0], "action": "hello"})
            self.send_response(200)
            self.end_headers()
            self.wfile.write(f"Hello {answer.get('user_id')}! Confirmed: {answer['is_valid']}\n".encode())
        elif here.path == "/":
            attributes = {"redirectUrl": f"http://{self.headers['Host']}/"}
            self.send_response(303)
            self.send_header("Location", authsignal.track("ada", "hello", attributes)["url"])
            self.end_headers()
        else:
            self.send_error(404)


server = HTTPServer(("127.0.0.1", int(os.environ.get("PORT", "3000"))), Hello)
print(f"http://localhost:{server.server_port}/", flush=True)
server.serve_forever()
