//! An authenticator in software, for tests: it does what a browser and a passkey do together.
//!
//! It is honest. A test that wants a lie changes the options before, or the answer after; [`SoftKey::resign`] signs a
//! changed answer again. It knows nothing of this crate, so that tests over sockets can include it too:
//! `#[path = "../../src/credentials/webauthn/soft_key.rs"] #[allow(dead_code)] mod soft_key;`
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_cbor_2::Value as Cbor;
use serde_json::{Value, json};

/// The model that it says it is.
pub(crate) const AAGUID: [u8; 16] = *b"a soft test key.";

pub(crate) enum Signer {
    Es256(EcdsaKeyPair),
    Rs256(RsaKeyPair),
}

/// One credential, on a key of its own.
pub(crate) struct SoftKey {
    pub(crate) signer: Signer,
    pub(crate) id: Vec<u8>,
    /// The `user.id` that it was made for, once it was.
    pub(crate) user_handle: Option<Vec<u8>>,
    /// How often it has signed. Stays 0 where `counts` is off, as passkeys that are synchronised have it.
    pub(crate) counter: u32,
    pub(crate) counts: bool,
    /// Whether it verifies its user.
    pub(crate) verifies: bool,
    /// Whether it can be backed up, and is.
    pub(crate) backed_up: bool,
    pub(crate) attachment: &'static str,
    pub(crate) transports: &'static [&'static str],
}

impl SoftKey {
    /// A key of a device, that verifies its user and is not backed up.
    pub(crate) fn es256() -> Self {
        Self::new(Signer::Es256(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).expect("a key")))
    }

    /// The same with RSA, whose key takes a while to make.
    pub(crate) fn rs256() -> Self {
        Self::new(Signer::Rs256(RsaKeyPair::generate(KeySize::Rsa2048).expect("a key")))
    }

    fn new(signer: Signer) -> Self {
        let mut key = Self {
            signer,
            id: Vec::new(),
            user_handle: None,
            counter: 0,
            counts: true,
            verifies: true,
            backed_up: false,
            attachment: "platform",
            transports: &["internal"],
        };
        key.id = digest(&SHA256, &key.cose()).as_ref().to_vec();
        key
    }

    /// What `navigator.credentials.create` gives for these options in a page of `origin`, as its `toJSON` has it.
    pub(crate) fn create(&mut self, options: &Value, origin: &str) -> Value {
        self.user_handle = Some(decode(&options["user"]["id"]));
        let client_data = client_data("webauthn.create", &options["challenge"], origin);
        let mut data = self.data(text(&options["rp"]["id"]), 0x40);
        data.extend(AAGUID);
        data.extend(u16::try_from(self.id.len()).expect("a short id").to_be_bytes());
        data.extend(&self.id);
        data.extend(self.cose());
        let attestation = cbor_map([
            (Cbor::Text("fmt".into()), Cbor::Text("none".into())),
            (Cbor::Text("attStmt".into()), cbor_map([])),
            (Cbor::Text("authData".into()), Cbor::Bytes(data)),
        ]);
        let attestation = serde_cbor_2::to_vec(&attestation).expect("cbor");
        self.answer(&json!({
            "clientDataJSON": encode(&client_data),
            "attestationObject": encode(&attestation),
            "transports": self.transports,
        }))
    }

    /// What `navigator.credentials.get` gives for these options in a page of `origin`, as its `toJSON` has it.
    pub(crate) fn get(&mut self, options: &Value, origin: &str) -> Value {
        let client_data = client_data("webauthn.get", &options["challenge"], origin);
        let data = self.data(text(&options["rpId"]), 0);
        let mut answer = self.answer(&json!({
            "clientDataJSON": encode(&client_data),
            "authenticatorData": encode(&data),
        }));
        if let Some(handle) = &self.user_handle {
            answer["response"]["userHandle"] = encode(handle).into();
        }
        self.resign(&mut answer);
        answer
    }

    /// Signs an answer of [`get`](Self::get) as it stands.
    pub(crate) fn resign(&self, answer: &mut Value) {
        let response = &mut answer["response"];
        let mut message = decode(&response["authenticatorData"]);
        message.extend(digest(&SHA256, &decode(&response["clientDataJSON"])).as_ref());
        let random = SystemRandom::new();
        let signature = match &self.signer {
            Signer::Es256(pair) => pair.sign(&random, &message).expect("a signature").as_ref().to_vec(),
            Signer::Rs256(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, &message, &mut signature).expect("a signature");
                signature
            }
        };
        response["signature"] = encode(&signature).into();
    }

    /// Its public key, as it goes into a batch import.
    pub(crate) fn cose(&self) -> Vec<u8> {
        let int = |number: i128| Cbor::Integer(number);
        let key = match &self.signer {
            Signer::Es256(pair) => {
                let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
                cbor_map([
                    (int(1), int(2)),
                    (int(3), int(-7)),
                    (int(-1), int(1)),
                    (int(-2), Cbor::Bytes(x.into())),
                    (int(-3), Cbor::Bytes(y.into())),
                ])
            }
            Signer::Rs256(pair) => cbor_map([
                (int(1), int(3)),
                (int(3), int(-257)),
                (int(-1), Cbor::Bytes(pair.public_key().modulus().big_endian_without_leading_zero().into())),
                (int(-2), Cbor::Bytes(pair.public_key().exponent().big_endian_without_leading_zero().into())),
            ]),
        };
        serde_cbor_2::to_vec(&key).expect("cbor")
    }

    /// Authenticator data up to the counter (WebAuthn Level 3, section 6.1).
    fn data(&mut self, rp_id: &str, more: u8) -> Vec<u8> {
        self.counter += u32::from(self.counts);
        let mut data = digest(&SHA256, rp_id.as_bytes()).as_ref().to_vec();
        data.push(0x01 | u8::from(self.verifies) << 2 | if self.backed_up { 0x18 } else { 0 } | more);
        data.extend(self.counter.to_be_bytes());
        data
    }

    fn answer(&self, response: &Value) -> Value {
        json!({
            "id": encode(&self.id),
            "rawId": encode(&self.id),
            "type": "public-key",
            "authenticatorAttachment": self.attachment,
            "clientExtensionResults": {},
            "response": response,
        })
    }
}

fn client_data(kind: &str, challenge: &Value, origin: &str) -> Vec<u8> {
    let data = json!({ "type": kind, "challenge": challenge, "origin": origin, "crossOrigin": false });
    serde_json::to_vec(&data).expect("json")
}

fn cbor_map<const N: usize>(members: [(Cbor, Cbor); N]) -> Cbor {
    Cbor::Map(members.into_iter().collect())
}

pub(crate) fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub(crate) fn decode(text: &Value) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(self::text(text)).expect("base64url")
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}
