"""The emulator that a suite is run against: the official client of it, and its own control API."""

import os
import unittest
import uuid
from urllib.parse import quote

import requests
from authsignal.client import ApiException, AuthsignalClient

API_URL = os.environ["AUTHSIGNAL_API_URL"]
API_SECRET_KEY = os.environ["AUTHSIGNAL_API_SECRET_KEY"]
ORIGIN = os.environ["EMULATOR_ORIGIN"]


def client(api_secret_key=API_SECRET_KEY, api_url=API_URL):
    return AuthsignalClient(api_secret_key=api_secret_key, api_url=api_url)


def control(method, path, body=None):
    response = requests.request(method, f"{ORIGIN}/emulator/{path}", json=body, timeout=30)
    assert response.ok, f"{method} {path}: {response.status_code} {response.text}"
    return response.json() if response.content else None


def tell(user_id, **facts):
    """Tells the emulator about a user, whose methods are enrolled as if they had been proved."""
    return control("PUT", f"users/{quote(user_id, safe='')}", facts)


def outcome(action, outcome):
    """What every track of an action begins with from now on."""
    control("PUT", f"outcomes/{action}", {"outcome": outcome})


def fault(endpoint, **fault):
    control("POST", "faults", {"endpoint": endpoint, **fault})


def advance(seconds):
    control("POST", "clock", {"advanceSeconds": seconds})


class Suite(unittest.TestCase):
    def setUp(self):
        self.client = client()
        self.user_id = str(uuid.uuid4())

    def enroll(self, user_id=None):
        attributes = {"verificationMethod": "EMAIL_OTP", "email": "ada@example.com"}
        return self.client.enroll_verified_authenticator(user_id or self.user_id, attributes)

    def track(self, action, **attributes):
        return self.client.track(self.user_id, action, attributes)

    def prove(self, action):
        """Tracks, does what is asked for, and gives the token that the browser comes back with."""
        tracked = self.track(action, redirectUrl="https://app.example.com/back")
        self.assertEqual(tracked["state"], "CHALLENGE_REQUIRED")
        return tracked, control("POST", "challenge/succeed", {"url": tracked["url"]})["token"]

    def fails(self, status, code, call, *arguments):
        with self.assertRaises(ApiException) as raised:
            call(*arguments)
        error = raised.exception
        self.assertEqual((error.status_code, error.error_code), (status, code))
        self.assertEqual(str(error), f"AuthsignalException: {status} - {error.error_description}")
        return error
