//! Forms, JSON and what calls itself either.
use crate::fuzz::Random;

const FORM: &str = "application/x-www-form-urlencoded";

const TYPES: [&str; 15] = [
    FORM,
    "application/x-www-form-urlencoded; charset=UTF-8",
    "application/x-www-form-urlencoded;charset=UTF-8",
    "application/x-www-form-urlencoded;charset=utf-8",
    "Application/X-www-form-urlencoded",
    "application/x-www-form-urlencoded;",
    "application/json",
    "application/json; charset=utf-8",
    "application/json;charset=utf-16",
    "application/problem+json",
    "text/json",
    "text/plain",
    "text/plain; charset=utf-7",
    "multipart/form-data",
    "*/*",
];

/// Texts that some reader takes for one another, side by side.
const ALIKE: [&[&str]; 22] = [
    &["+", "%20", " "],
    &["%C3%A9", "%c3%a9", "é", "e%CC%81"],
    &["%FF", "%FE", "%EF%BF%BD", "\u{fffd}", "%"],
    &["%0D%0A", "%0A", "%0D", "\r\n", "\n", "%0D%0D%0A"],
    &["a", "%61", "\\u0061", "A"],
    &["~", "%7E", "%7e"],
    &["*", "%2A", "%2a"],
    &["&", "&&", ";", "%26", "&amp;"],
    &["=", "%3D", "==", ""],
    &["&a=", "&a", "&a&"],
    &["%22", "\"", "\\\"", "%2522"],
    &["%00", "\0", "\\u0000", ""],
    &["10", "10.0", "1e1", "\"10\"", "010", "+10"],
    &["9007199254740992", "9007199254740993", "9007199254740992.0"],
    &["18446744073709551615", "18446744073709551616", "1e400"],
    &["", " ", "\t", "\n", "\u{feff}", "\u{a0}"],
    &["\"amount\":10,", "\"amount\":10,\"amount\":10000,", "\"amount\":10000,\"amount\":10,", "\"Amount\":10,"],
    &["\\/", "/", "\\u002f"],
    &["\\ud83d\\ude00", "😀", "\\ud83d", "\u{fffd}"],
    &["null", "false", "0", "\"\"", "[]"],
    &["x%22,%22amount%22:10000,%22y%22:%22z", "x\",\"amount\":10000,\"y\":\"z"],
    &["amount=10&amount=999", "amount=999&amount=10", "amount=999", "amount[]=999"],
];

const FRAMES: [(&str, &str); 6] = [
    ("to=bob&note=", "&amount=10"),
    ("", ""),
    ("{\"to\":\"bob\",\"note\":\"", "\"}"),
    ("{\"to\":\"bob\",", "\"z\":1}"),
    ("[", "]"),
    ("a=", ""),
];

/// A body, with its content types and encodings.
pub(super) type Written = (Vec<String>, Vec<&'static str>, Vec<u8>);

fn types(random: &mut Random) -> Vec<String> {
    let mut types = vec![random.pick(&TYPES).to_owned()];
    match random.below(12) {
        0 => types.push(random.pick(&TYPES).to_owned()),
        1 => types.clear(),
        _ => {}
    }
    types
}

fn body(frame: (&str, &str), middle: &str) -> Vec<u8> {
    format!("{}{middle}{}", frame.0, frame.1).into_bytes()
}

/// One body, twice as one client sends it.
pub(super) fn again(random: &mut Random) -> (Written, Written) {
    let alike = random.pick(&ALIKE);
    let middle = random.pick(alike);
    let written = (types(random), vec![], body(random.pick(&FRAMES), middle));
    (written.clone(), written)
}

/// Two bodies that somebody hopes are taken for one.
pub(super) fn near(random: &mut Random) -> (Written, Written) {
    let (frame, alike) = (random.pick(&FRAMES), random.pick(&ALIKE));
    let extra = random.pick(&ALIKE);
    let extra = if random.one_in(2) { "" } else { random.pick(extra) };
    let [one, other] = [(); 2].map(|()| format!("{}{extra}", random.pick(alike)));
    let first = (types(random), vec![], body(frame, &one));
    let mut second = (first.0.clone(), vec![], body(frame, &other));
    match random.below(6) {
        0 => second.0 = types(random),
        1 => second.2 = first.2.clone(),
        2 => {
            second.2 = first.2.clone();
            change_a_byte(random, &mut second.2);
        }
        3 => {
            second = (
                types(random),
                random.pick(&[&["gzip"][..], &["identity"], &["gzip", "gzip"], &[]]).to_vec(),
                first.2.clone(),
            );
        }
        _ => {}
    }
    (first, second)
}

pub(super) fn change_a_byte(random: &mut Random, body: &mut Vec<u8>) {
    let at = random.below(body.len() + 1);
    let byte = random.pick(b"a0 \r\n-&=%+\"\\\0\xff");
    match random.below(3) {
        0 => body.insert(at, byte),
        1 if at < body.len() => drop(body.remove(at)),
        _ if at < body.len() => body[at] = byte,
        _ => body.push(byte),
    }
}
