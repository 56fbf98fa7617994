"""Users and what they have enrolled, as `authsignal` for Python asks about them."""

from emulator import Suite


class Users(Suite):
    def test_nobody(self):
        user = self.client.get_user(self.user_id)
        self.assertIs(user["is_enrolled"], False)
        self.assertNotIn("email", user)

    def test_updated_read_and_deleted(self):
        attributes = {
            "email": "ada@example.com",
            "emailVerified": True,
            "phoneNumber": "+64271234567",
            "displayName": "Ada L.",
            "username": "ada",
            "locale": "en-NZ",
            "custom": {"tier": "gold", "age": 36},
        }
        updated = self.client.update_user(self.user_id, attributes)
        read = self.client.get_user(self.user_id)
        for user in (updated, read):
            self.assertEqual(user["email"], "ada@example.com")
            self.assertIs(user["email_verified"], True)
            self.assertIs(user["phone_number_verified"], False)
            self.assertEqual(user["phone_number"], "+64271234567")
            self.assertEqual(user["display_name"], "Ada L.")
            self.assertEqual(user["username"], "ada")
            self.assertEqual(user["locale"], "en-NZ")
            self.assertEqual(user["custom"], {"tier": "gold", "age": 36})
        self.client.delete_user(self.user_id)
        deleted = self.client.get_user(self.user_id)
        self.assertIs(deleted["is_enrolled"], False)
        self.assertNotIn("email", deleted)

    def test_what_is_not_named_is_left_alone(self):
        self.client.update_user(self.user_id, {"displayName": "Ada", "username": "ada"})
        updated = self.client.update_user(self.user_id, {"username": "lovelace"})
        self.assertEqual((updated["display_name"], updated["username"]), ("Ada", "lovelace"))

    def test_ids_of_all_sorts(self):
        for user_id in ("auth0|6f1c", "ada@example.com", "a+b", "ünï", "with space", "a?b#c%d", "100%"):
            self.client.update_user(user_id, {"displayName": f"The user {user_id}"})
            self.assertEqual(self.client.get_user(user_id)["display_name"], f"The user {user_id}")

    def test_authenticators(self):
        enrolled = self.enroll()
        self.assertGreater(len(enrolled["recovery_codes"]), 0)
        authenticator = enrolled["authenticator"]
        self.assertEqual(authenticator["user_id"], self.user_id)
        self.assertEqual(authenticator["verification_method"], "EMAIL_OTP")
        self.assertEqual(authenticator["email"], "ada@example.com")
        self.assertIs(self.client.get_user(self.user_id)["is_enrolled"], True)

        (listed,) = self.client.get_authenticators(self.user_id)
        self.assertEqual(listed["user_authenticator_id"], authenticator["user_authenticator_id"])
        self.assertEqual(listed["verified_at"], "2026-01-15T10:00:00.000Z")

        self.client.delete_authenticator(self.user_id, listed["user_authenticator_id"])
        self.assertEqual(self.client.get_authenticators(self.user_id), [])
        again = (self.user_id, listed["user_authenticator_id"])
        self.fails(404, "not_found", self.client.delete_authenticator, *again)

    def test_an_authenticator_app(self):
        uri = "otpauth://totp/Bank:ada?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Bank"
        attributes = {"verificationMethod": "AUTHENTICATOR_APP", "otpUri": uri}
        enrolled = self.client.enroll_verified_authenticator(self.user_id, attributes)
        self.assertEqual(enrolled["authenticator"]["verification_method"], "AUTHENTICATOR_APP")

    def test_what_can_not_be_enrolled(self):
        enroll = self.client.enroll_verified_authenticator
        error = self.fails(400, "invalid_request", enroll, self.user_id, {"verificationMethod": "TELEPATHY"})
        self.assertIn("body.verificationMethod must be equal to one of", error.error_description)
        # As its own tests write members, which a service that wants camelCase doesn't see.
        self.fails(400, "invalid_request", enroll, self.user_id, {"verification_method": "EMAIL_OTP"})
