//! Seeds for class weight tables and backbone manifests.

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
