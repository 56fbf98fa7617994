"""What `authsignal` for Python makes of answers that are errors."""

import requests
from authsignal.client import ApiException
from emulator import API_SECRET_KEY, ORIGIN, Suite, client, fault

UNAUTHORIZED = (
    "The request is unauthorized. Check that your API key and region base URL are correctly configured."
)


class Errors(Suite):
    def test_a_wrong_key_in_every_call(self):
        wrong = client(api_secret_key="bad-secret")
        attempt = (self.user_id, "pay", "key")
        calls = {
            "track": (self.user_id, "pay"),
            "get_user": (self.user_id,),
            "update_user": (self.user_id, {"email": "ada@example.com"}),
            "delete_user": (self.user_id,),
            "get_authenticators": (self.user_id,),
            "enroll_verified_authenticator": (self.user_id, {"verificationMethod": "SMS"}),
            "delete_authenticator": (self.user_id, "id"),
            "validate_challenge": ({"token": "x"},),
            "get_action": attempt,
            "update_action": (*attempt, {"state": "BLOCK"}),
        }
        methods = [name for name in vars(type(wrong)) if not name.startswith("_")]
        self.assertEqual(sorted(calls), sorted(methods), "every method of the SDK")
        for method, arguments in calls.items():
            with self.subTest(method):
                error = self.fails(401, "unauthorized", getattr(wrong, method), *arguments)
                self.assertEqual(error.error_description, UNAUTHORIZED)
                self.assertEqual(str(error), f"AuthsignalException: 401 - {UNAUTHORIZED}")

    def test_every_status_that_the_service_is_known_to_answer_with(self):
        known = (
            (400, "invalid_request"),
            (401, "unauthorized"),
            (404, "not_found"),
            (422, "invalid_request_token"),
            (429, "too_many_requests"),
            (500, "unexpected_error"),
        )
        for status, code in known:
            fault("getUser", kind="status", status=status)
            self.fails(status, code, self.client.get_user, self.user_id)
        self.client.get_user(self.user_id)

    def test_the_content_type_has_no_parameters(self):
        # The SDK reads nothing from any other.
        for path in ("users/ada", "v1/users/ada"):
            response = requests.get(f"{ORIGIN}/{path}", auth=(API_SECRET_KEY, ""), timeout=30)
            self.assertEqual(response.headers["Content-Type"], "application/json")

    def test_a_base_url_without_a_version(self):
        self.assertIs(client(api_url=ORIGIN).get_user(self.user_id)["is_enrolled"], False)

    def test_nobody_answers(self):
        nowhere = client(api_url="http://127.0.0.1:9/v1")
        with self.assertRaises(ApiException) as raised:
            nowhere.get_user(self.user_id)
        self.assertIsNone(raised.exception.status_code)
