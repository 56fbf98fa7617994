//! Texts and JSON to attack with, from a seed.
use serde_json::{Value, json};

/// SplitMix64 (Steele, Lea and Flood, 2014): as random as picking needs, and the same on every machine.
pub(super) struct Random(u64);

/// What somebody could mean seriously.
const ORDINARY: &[&str] = &[
    "ada",
    "ada@example.com",
    "+64270000000",
    "withdrawal",
    "123456",
    "5d1f9c52-8c1a-4c55-8e35-0b6a0ad0a001",
    "2026-01-15T10:00:00.000Z",
    "https://app.example.com/back?flow=1#top",
    "EMAIL_OTP",
    "CHALLENGE_SUCCEEDED",
    "add:authenticators update:authenticators",
    "203.0.113.7",
    "en-NZ",
    "otpauth://totp/a?secret=JBSWY3DPEHPK3PXP",
    "q83vASNFZ4k",
];

/// What nobody does.
const HOSTILE: &[&str] = &[
    "",
    " ",
    ".",
    "..",
    "/",
    "../../etc/passwd",
    "\0",
    "a\0b",
    "\u{7f}\u{80}\u{9f}",
    "\u{feff}",
    "\u{202e}drawrof\u{202c}",
    "e\u{301}\u{301}\u{301}",
    "\u{1f600}\u{1f3ff}\u{200d}",
    "\u{10ffff}\u{fffd}\u{2028}",
    "ſİıK",
    "１２３４５６",
    "%00",
    "%FF",
    "%",
    "%2e%2e%2f",
    "a\r\nset-cookie: a=b",
    "<script>alert(1)</script>",
    "\"'`\\",
    "${jndi:ldap://x}{{7*7}}%s%n",
    "javascript:alert(1)",
    "data:text/html,x",
    "//evil.example",
    "http://[::1",
    "null",
    "true",
    "NaN",
    "-1",
    "1e999",
    "0x10",
    "18446744073709551616",
    "9999-12-31T23:59:59.999999999Z",
    "-009999-01-01T00:00:00Z",
    "2026-02-30T00:00:00Z",
    "2026-01-15T24:60:60+99:99",
    "@",
    "+",
    "a.b.c",
    "..",
    "otpauth://totp/a?secret=A&digits=99&period=0",
    "Unknown",
    "__proto__",
];

/// Numbers at the edges of what numbers are, as JSON has them.
const NUMBERS: &[&str] = &[
    "0",
    "-0",
    "1",
    "-1",
    "0.1",
    "1e308",
    "1e309",
    "-1e309",
    "1e-400",
    "9007199254740993",
    "9223372036854775807",
    "-9223372036854775809",
    "18446744073709551615",
    "18446744073709551616",
    "4294967296",
];

/// Lengths about which there are limits.
const LENGTHS: &[usize] =
    &[1, 63, 64, 65, 127, 128, 129, 254, 255, 256, 257, 1023, 1024, 1025, 4096, 12_288, 20_000, 40_000];

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `most`, or 0.
    pub(super) fn below(&mut self, most: usize) -> usize {
        (self.next() % most.max(1) as u64) as usize
    }

    /// True once in so many times.
    pub(super) fn once_in(&mut self, many: usize) -> bool {
        self.below(many) == 0
    }

    pub(super) fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
        from[self.below(from.len())]
    }

    /// Any text.
    pub(super) fn text(&mut self) -> String {
        match self.below(8) {
            0..=2 => self.pick(ORDINARY).to_owned(),
            3..=4 => self.pick(HOSTILE).to_owned(),
            5 => {
                let text = self.pick(ORDINARY);
                self.mutated(text)
            }
            6 => (0..self.below(12)).filter_map(|_| char::from_u32(self.next() as u32 % 0x11_0000)).collect(),
            _ => self.long(),
        }
    }

    /// A text of a length that somebody may have set a limit to.
    fn long(&mut self) -> String {
        let length = if self.once_in(200) { 200_000 } else { LENGTHS[self.below(LENGTHS.len())] };
        let unit = self.pick(&["a", "0", "ä", "\u{1f600}", "%", "\"", "\u{1}"]);
        unit.repeat(length / unit.len())
    }

    /// The text with a few characters lost, doubled or replaced.
    pub(super) fn mutated(&mut self, text: &str) -> String {
        let mut chars: Vec<char> = text.chars().collect();
        for _ in 0..=self.below(3) {
            let at = self.below(chars.len());
            match self.below(5) {
                0 => chars.truncate(at),
                1 if !chars.is_empty() => drop(chars.remove(at)),
                2 => chars.insert(at, self.pick(HOSTILE).chars().next().unwrap_or('A')),
                3 if !chars.is_empty() => chars[at] = char::from(b' ' + self.below(95) as u8),
                _ => chars.extend_from_within(at..),
            }
        }
        chars.into_iter().collect()
    }

    /// Any bytes that were `bytes` before.
    pub(super) fn corrupted(&mut self, bytes: &mut Vec<u8>) {
        let at = self.below(bytes.len() + 1);
        match self.below(8) {
            0..=1 => bytes.truncate(at),
            2 => bytes.insert(at, self.next() as u8),
            3 => drop(bytes.splice(at..at, *b"\xff\xfe\x80")),
            4 => drop(bytes.splice(0..0, *b"\xef\xbb\xbf")),
            5 => bytes.extend_from_slice(self.pick::<[u8]>(&[b"x", b"{}", b"\0", b"]]", b"\n\n", b"//"])),
            6 => *bytes = String::from_utf8_lossy(bytes).encode_utf16().flat_map(u16::to_le_bytes).collect(),
            _ => {
                let end = at + self.below(bytes.len() - at + 1);
                bytes.drain(at..end);
            }
        }
    }

    /// Any JSON, mostly: half of a surrogate, and what is too deep or too great, is none.
    pub(super) fn json(&mut self, depth: usize) -> String {
        match self.below(if depth == 0 { 9 } else { 12 }) {
            0..=3 => Value::from(self.text()).to_string(),
            4..=5 => self.pick(NUMBERS).to_owned(),
            6 => self.pick(&["true", "false"]).to_owned(),
            7 => "null".to_owned(),
            8 => match self.below(40) {
                0 => r#""\ud800""#.to_owned(),
                1 => r#""\u0000\udc00""#.to_owned(),
                2 => self.nested(),
                _ => "[]".to_owned(),
            },
            9..=10 => format!("[{}]", (0..self.below(4)).map(|_| self.json(depth - 1)).collect::<Vec<_>>().join(",")),
            _ => {
                let mut member = || format!("{}:{}", Value::from(self.text()), self.json(depth - 1));
                let members = [member(), member()];
                format!("{{{}}}", members.join(","))
            }
        }
    }

    /// About as deep as the parser goes, or far deeper.
    fn nested(&mut self) -> String {
        let depth = if self.once_in(20) { 20_000 } else { 120 + self.below(16) };
        let (open, close) = if self.once_in(2) { ("[", "]") } else { (r#"{"a":"#, "}") };
        format!("{}1{}", open.repeat(depth), close.repeat(depth))
    }

    /// Data points of all kinds.
    pub(super) fn points(&mut self) -> Value {
        let (name, text) = (self.text(), self.text());
        json!({ "amount": self.next() as i64, "tier": "gold", "groups": ["a", text], "b": 1.5, "c": true, name: null })
    }
}
