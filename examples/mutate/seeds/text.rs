//! Seeds for files of text: tables, journals and backbone manifests.

use frostline::features::Digest;

use super::{Seed, container};

pub(super) fn class_weights() -> Vec<Seed> {
    let long = format!("class,weight\n{},1\n", "a".repeat(1 << 20));
    vec![
        Seed::accepted("two classes", "class,weight\ncat,2.5\n\"dog, small\",1\n"),
        Seed::accepted(
            "as Excel writes it",
            "\u{feff}weight,class\r\n1,\"dog, small\"\r\n2.5,cat\r\n",
        ),
        Seed::refused("a class twice", "class,weight\ncat,1\ncat,2\n"),
        Seed::refused("no class", "class,weight\n"),
        Seed::refused("no header", "cat,2.5\ndog,1\n"),
        Seed::refused(
            "an unclosed quotation mark",
            "class,weight\n\"cat,1\ndog,2\n",
        ),
        Seed::refused("not UTF-8", b"class,weight\n\xff\xfe,1\n"),
        Seed::unharmed(
            "a weight that is not a number",
            "class,weight\ncat,NaN\ndog,1\n",
        ),
        Seed::unharmed("an infinite weight", "class,weight\ncat,1e999\ndog,1\n"),
        Seed::unharmed("a negative weight", "class,weight\ncat,-1\ndog,-0.0\n"),
        Seed::unharmed("a class name of one megabyte", long),
    ]
}

pub(super) fn labels() -> Vec<Seed> {
    let nested = format!(
        "{{\"path\":\"a\",\"label\":\"b\",\"x\":{}",
        "[".repeat(100_000)
    );
    let digest = "0123456789abcdef".repeat(4);
    vec![
        Seed::accepted(
            "two labels",
            "path,label\na.jpg,cat\n\"b, c.jpg\",\n./a.jpg,cat\n",
        ),
        Seed::accepted(
            "as Excel writes it",
            "\u{feff}sep=;\r\nlabel;path\r\n\"dog; small\";cat/a.jpg\r\n;\r\n",
        ),
        Seed::accepted(
            "predictions",
            "path,label,probability,status\na,cat,0.9,ok\nb,unknown,0.4,unknown: far\nc,,,skipped: cut\n",
        ),
        Seed::accepted("digests", format!("digest,class\n{digest},cat\n")),
        Seed::accepted("a name that is not UTF-8", "path\tlabel\ncaf\\xe9\tcat\n"),
        Seed::accepted(
            "JSON Lines",
            "{\"path\":\"a\",\"label\":1,\"probability\":0.5}\n\n{\"label\":null,\"path\":\"b\",\"x\":[{}]}",
        ),
        Seed::accepted("Parquet", container::label_table()),
        Seed::refused("a contradiction", "path,label\na,cat\na,dog\n"),
        Seed::refused("UTF-16", b"\xff\xfep\0a\0t\0h\0"),
        Seed::refused("an unclosed quotation mark", "path,label\n\"a,cat\nb,dog\n"),
        Seed::refused("deeply nested JSON", nested),
        Seed::refused(
            "a probability that is not a number",
            "path,label,probability\na,cat,NaN\n",
        ),
        Seed::unharmed(
            "paths of two folders",
            "path,label\na/b/c,cat\nb/c,dog\nc,cat\n",
        ),
    ]
}

pub(super) fn seen() -> Vec<Seed> {
    let file = |lines: &str| {
        let text = format!("frostline seen images, version 1\n{lines}");
        let checksum = Digest::of(text.as_bytes());
        format!("{text}checksum {checksum}\n")
    };
    let (first, second) = ("0a".repeat(32), "ff".repeat(32));
    vec![
        Seed::accepted("no image", file("")),
        Seed::accepted("two images", file(&format!("{first}\n{second}\n"))),
        Seed::refused(
            "an upper-case digit",
            file(&format!("{}\n", "0A".repeat(32))),
        ),
        Seed::refused("63 digits", file(&format!("{}\n", &first[1..]))),
        Seed::refused("a label file", "path,label\na.jpg,cat\n"),
        Seed::refused("version 2", "frostline seen images, version 2\n"),
    ]
}

#[cfg(feature = "serve")]
pub(super) fn label_journal() -> Vec<Seed> {
    let journal = |entries: &[&str]| {
        let first = [r#"{"journal":{"version":1}}"#];
        let lines = first.iter().chain(entries);
        let lines = lines.map(|entry| format!("{} {entry}\n", "0".repeat(16)));
        let mut journal = lines.collect::<String>().into_bytes();
        frostline::label::fuzz::reseal(&mut journal);
        journal
    };
    let begin =
        r#"{"begin":{"classes":["cat","dog"],"labels":[["a.jpg","cat"],["gone.jpg","dog"]]}}"#;
    let whole = journal(&[
        begin,
        r#"{"opened":{"process":7,"address":"http://127.0.0.1:4242"}}"#,
        r#"{"deed":{"do":"label","images":["b.jpg","c.jpg"],"class":"unknown"}}"#,
        r#"{"deed":{"do":"keep","images":["a.jpg"]}}"#,
        r#""written""#,
        r#"{"deed":{"do":"rename_class","from":"cat","to":"dog"}}"#,
        r#"{"deed":{"do":"leave_out","images":["b.jpg"]}}"#,
        r#"{"deed":{"do":"undo"}}"#,
        r#"{"deed":{"do":"undo"}}"#,
        r#"{"deed":{"do":"redo"}}"#,
        r#"{"deed":{"do":"edit","images":[["a.jpg",null],["b.jpg","cow"]]}}"#,
        r#"{"deed":{"do":"clear","images":["c.jpg"]}}"#,
        r#"{"output":{"file":"head.safetensors","digest":"00"}}"#,
    ]);
    let deed = |deed: &str| journal(&[begin, &format!(r#"{{"deed":{deed}}}"#)]);
    vec![
        Seed::unharmed("a line that was cut off", &whole[..whole.len() - 3]),
        Seed::accepted("everything that can be done", whole),
        Seed::accepted("nothing but the first line", journal(&[])),
        Seed::accepted("an empty file", ""),
        Seed::refused("no deed", deed(r#"{"do":"dance"}"#)),
        Seed::unharmed("nothing to take back", deed(r#"{"do":"undo"}"#)),
        Seed::unharmed(
            "a label for no image",
            deed(r#"{"do":"label","images":[],"class":""}"#),
        ),
        Seed::unharmed(
            "a class that is not there",
            deed(r#"{"do":"rename_class","from":"x","to":"\n"}"#),
        ),
        Seed::unharmed("no beginning", journal(&[r#"{"deed":{"do":"redo"}}"#])),
        Seed::refused("a label file", "path,label\na.jpg,cat\n"),
    ]
}

pub(super) fn manifests() -> Vec<Seed> {
    let nested = format!("name = \"x\"\nlicense = {}", "[".repeat(100_000));
    let dotted = format!("name = \"x\"\n{} = 1", vec!["a"; 50_000].join("."));
    vec![
        Seed::accepted("only a name", "name = \"probe\"\n"),
        Seed::accepted("all keys", FULL),
        Seed::refused("nothing", ""),
        Seed::refused(
            "an unknown key",
            "name = \"x\"\n[preprocessing]\nresise = 256\n",
        ),
        Seed::refused(
            "a standard deviation of 0",
            "name = \"x\"\n[preprocessing]\nstd = [0, 1, 1]\n",
        ),
        Seed::refused(
            "a mean that is not a number",
            "name = \"x\"\n[preprocessing]\nmean = [nan, 0, 0]\n",
        ),
        Seed::refused(
            "an image with more pixels than fit in memory",
            "name = \"x\"\n[preprocessing]\nresize = 2147483648\ncrop = [4294967295, 4294967295]\n",
        ),
        Seed::refused(
            "a negative number of features",
            "name = \"x\"\n[features]\nnum_features = -1\n",
        ),
        Seed::refused("deeply nested lists", nested),
        Seed::refused("deeply nested tables", dotted),
    ]
}

const FULL: &str = r#"name = "probe"
license = "MIT"
[source]
package = "probe==1.0"
file = "probe/net.pth"
urls = ["net.onnx"]
arch = "resnet18"
sha256 = "692f9f927f1df1b89033787a77a73eac59fd9b3344f9ecdf0b13221e41c2046f"
bytes = 574677321
[features]
layer = "features"
pool = "mean"
num_features = 4096
[preprocessing]
resize = [256, 128]
crop = 224
interpolation = "bicubic"
mean = [0.485, 0.456, 0.406]
std = [0.229, 0.224, 0.225]
channels = "bgr"
layout = "nhwc"
scale = 255.0
"#;
