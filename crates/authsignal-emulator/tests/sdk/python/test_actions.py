"""Actions and what they prove, as `authsignal` for Python asks about them."""

import uuid

from emulator import Suite, advance, outcome


class Actions(Suite):
    def test_tracked_read_and_changed(self):
        self.enroll()
        tracked = self.track("withdrawal", redirectUrl="https://app.example.com/back", deviceId="device-1")
        self.assertEqual(tracked["state"], "CHALLENGE_REQUIRED")
        self.assertIs(tracked["is_enrolled"], True)
        self.assertTrue(uuid.UUID(tracked["idempotency_key"]))
        self.assertIn(f"token={tracked['token']}", tracked["url"])
        self.assertIn("EMAIL_OTP", tracked["allowed_verification_methods"])
        self.assertEqual(tracked["enrolled_verification_methods"], ["EMAIL_OTP"])
        self.assertEqual(tracked["default_verification_method"], "EMAIL_OTP")

        attempt = (self.user_id, "withdrawal", tracked["idempotency_key"])
        read = self.client.get_action(*attempt)
        self.assertEqual(read["state"], "CHALLENGE_REQUIRED")
        self.assertIsNotNone(read["output"])
        self.assertEqual(read["created_at"], "2026-01-15T10:00:00.000Z")

        for state in ("REVIEW_REQUIRED", "BLOCK", "CHALLENGE_FAILED"):
            self.assertEqual(self.client.update_action(*attempt, {"state": state})["state"], state)
            self.assertEqual(self.client.get_action(*attempt)["state"], state)

    def test_no_attributes(self):
        self.enroll()
        tracked = self.client.track(self.user_id, "withdrawal")
        self.assertEqual(tracked["state"], "CHALLENGE_REQUIRED")
        self.assertTrue(tracked["idempotency_key"] and tracked["token"])

    def test_attributes_in_snake_case_are_not_seen(self):
        tracked = self.track("withdrawal", redirect_url="no URL", redirect_to_settings="neither", phone_number=7)
        self.assertEqual(tracked["state"], "ALLOW")
        self.assertNotIn("phone_number", self.client.get_user(self.user_id))

    def test_outcomes(self):
        self.enroll()
        expected = {"ALLOW": "ALLOW", "CHALLENGE": "CHALLENGE_REQUIRED", "REVIEW": "REVIEW_REQUIRED", "BLOCK": "BLOCK"}
        for name, state in expected.items():
            outcome(f"python-{name}", name)
            self.assertEqual(self.track(f"python-{name}")["state"], state)

    def test_an_action_that_nobody_tracked(self):
        attempt = (self.user_id, "never", "no-such-key")
        self.fails(404, "not_found", self.client.get_action, *attempt)
        self.fails(404, "not_found", self.client.update_action, *attempt, {"state": "BLOCK"})

    def test_what_can_not_be_tracked(self):
        self.fails(400, "invalid_request", self.client.track, self.user_id, "with space")
        self.fails(400, "invalid_request", self.client.track, self.user_id, "pay", {"redirectUrl": "/back"})


class Validate(Suite):
    def setUp(self):
        super().setUp()
        self.enroll()

    def validate(self, **attributes):
        return self.client.validate_challenge(attributes)

    def test_a_proof(self):
        tracked, token = self.prove("withdrawal")
        validated = self.validate(token=token, userId=self.user_id, action="withdrawal")
        self.assertIs(validated["is_valid"], True)
        self.assertEqual(validated["state"], "CHALLENGE_SUCCEEDED")
        self.assertEqual((validated["user_id"], validated["action"]), (self.user_id, "withdrawal"))
        self.assertEqual(validated["idempotency_key"], tracked["idempotency_key"])
        self.assertEqual(validated["verification_method"], "EMAIL_OTP")

    def test_nothing_proved_yet(self):
        validated = self.validate(token=self.track("withdrawal")["token"])
        self.assertIs(validated["is_valid"], False)
        self.assertEqual(validated["state"], "CHALLENGE_REQUIRED")
        self.assertEqual((validated["user_id"], validated["action"]), (self.user_id, "withdrawal"))

    def test_of_somebody_or_something_else(self):
        _, token = self.prove("withdrawal")
        for attributes, error in (
            ({"userId": "spoofed_id"}, "User is invalid."),
            ({"action": "close-account"}, "Action is invalid."),
        ):
            refused = self.validate(token=token, **attributes)
            self.assertEqual((refused["is_valid"], refused.get("error")), (False, error))
            self.assertIsNone(refused.get("action"))

    def test_forged(self):
        refused = self.validate(token="a.b.c")
        self.assertIs(refused["is_valid"], False)
        self.assertNotIn("state", refused)


class Expiry(Suite):
    def test_a_proof_does_not_last(self):
        self.enroll()
        _, token = self.prove("withdrawal")
        advance(600)
        self.assertIs(self.client.validate_challenge({"token": token})["is_valid"], False)
