//! Checks what the machine reads, and what it refuses.

use super::*;
use crate::weights::fault::Fault;

fn root(bytes: &[u8]) -> Result<Object, Fault> {
    load(bytes).map(|pickle| pickle.root().clone())
}

fn message(bytes: &[u8]) -> String {
    root(bytes)
        .unwrap_err()
        .at(std::path::Path::new("w.pth"))
        .to_string()
}

#[test]
fn whole_numbers() {
    // Python's pickle.dumps(n, 2).
    for (bytes, number) in [
        (b"\x80\x02K\x07.".as_slice(), 7),
        (b"\x80\x02M\xe9\x03.", 1001),
        (b"\x80\x02J\xff\xff\xff\xff.", -1),
        (
            b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.",
            0x1950_a86a_20f9_469c_fc6c,
        ),
        (b"\x80\x02\x8a\x05\x00\x00\x00\x00\xff.", -(1 << 32)),
        (b"\x80\x02\x8a\x00.", 0),
    ] {
        assert!(
            matches!(root(bytes), Ok(Object::Int(n)) if n == number),
            "{number}"
        );
    }
}

#[test]
fn protocol_four() {
    // Python's pickle.dumps({"a": [1, None, 2.5]}, 4).
    let bytes =
        b"\x80\x04\x95\x1b\0\0\0\0\0\0\0}\x94\x8c\x01a\x94]\x94(K\x01NG@\x04\0\0\0\0\0\0es.";
    let pickle = load(bytes.as_slice()).unwrap();
    let Object::Dict(pairs) = pickle.root() else {
        panic!()
    };
    assert_eq!(pickle.objects.text(pairs[0].0).unwrap().as_ref(), "a");
    assert_eq!(pickle.objects.items(pairs[0].1).unwrap().len(), 3);
}

#[test]
fn an_ordered_dict_of_python_2() {
    // OrderedDict([["a", 1]]), protocol 2: the class is called with a list of lists.
    let bytes =
        b"\x80\x02ccollections\nOrderedDict\nq\x00]q\x01]q\x02(U\x01aq\x03K\x01ea\x85q\x04Rq\x05.";
    let pickle = load(bytes.as_slice()).unwrap();
    let Object::Dict(pairs) = pickle.root() else {
        panic!()
    };
    assert_eq!(pickle.objects.text(pairs[0].0).unwrap().as_ref(), "a");
    assert_eq!(pickle.objects.size(pairs[0].1), Some(1));
}

#[test]
fn code_is_refused_by_name() {
    let text = message(b"\x80\x02cos\nsystem\nU\x02ls\x85R.");
    assert!(
        text.ends_with("it imports `os.system`; only tensors are read"),
        "{text}"
    );
    let text = message(b"\x80\x04\x8c\x08builtins\x8c\x04eval\x93.");
    assert!(
        text.ends_with("it imports `builtins.eval`; only tensors are read"),
        "{text}"
    );
    assert!(message(b"\x80\x02I7\n.").contains("instruction 0x49"));
    assert!(message(b"\x80\x02ccollections\nOrderedDict\n)R]b.").contains("state of an object"));
    assert!(message(b"\x80\x02K\x01)R.").contains("calls something that is not a class"));
}

/// Python's `pickletools` calls the instructions by name: see the comments in `machine.rs`.
#[test]
fn foreign_objects_are_stepped_over() {
    for bytes in [
        // argparse.Namespace(lr=7), protocol 2: NEWOBJ, then BUILD.
        b"\x80\x02cargparse\nNamespace\n)\x81}X\x02\0\0\0lrK\x07sb.".as_slice(),
        // numpy.float64(1.0), protocol 2: a call with the result of a call.
        b"\x80\x02cnumpy.core.multiarray\nscalar\ncnumpy\ndtype\nX\x02\0\0\0f8\x89\x88\x87R\
          (K\x03X\x01\0\0\0<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tbc_codecs\nencode\n\
          X\x02\0\0\0\xc3\xb0X\x06\0\0\0latin1\x86R\x86R.",
        // A class that is made with named arguments, and one that is a list.
        b"\x80\x04\x8c\x01m\x8c\x01C\x93)}\x92.",
        b"\x80\x02cm\nL\n)\x81K\x01aK\x02a.",
        // Sets, bytes, a string of Python 2 that is not text, and an integer of 17 bytes.
        b"\x80\x04\x8f(K\x01K\x02\x90.",
        b"\x80\x04(K\x01\x91.",
        b"\x80\x03C\x02\xff\xfe.",
        b"\x80\x03B\x02\0\0\0\xff\xfe.",
        b"\x80\x05\x96\x02\0\0\0\0\0\0\0\xff\xfe.",
        b"\x80\x02U\x02\xff\xfe.",
        b"\x80\x02\x8a\x11\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01.",
        // A tensor of a kind that is not known, and a parameter of one.
        b"\x80\x02ctorch._utils\n_rebuild_qtensor\n)R.",
        b"\x80\x02ctorch._utils\n_rebuild_parameter\nctorch._utils\n_rebuild_qtensor\n)R\x85R.",
    ] {
        assert!(matches!(root(bytes), Ok(Object::Foreign(_))), "{bytes:?}");
    }
    // A class that is a dictionary, as Lightning's AttributeDict is.
    let bytes = b"\x80\x02clightning\nAttributeDict\n)\x81(X\x01\0\0\0aK\x01X\x01\0\0\0bK\x02u.";
    assert!(matches!(root(bytes), Ok(Object::Dict(pairs)) if pairs.len() == 2));
}

#[test]
fn hostile_pickles() {
    for bytes in [
        b"\x80\x02.".as_slice(),
        b"\x80\x02q\x00.",
        b"\x80\x02h\x07.",
        b"\x80\x02t.",
        b"\x80\x02K\x01(0.",
        b"\x80\x02(.",
        b"\x80\x02K\x01K\x02a.",
        b"\x80\x02}(K\x01u.",
        b"\x80\x02]Q.",
        b"\x80\x02K\x01\x87.",
        b"\x80\x02\x8a\xff.",
        b"\x80\x04\x90.",
        b"\x80\x04\x91.",
        b"\x80\x04\x92.",
        b"\x80\x03C\xff.",
    ] {
        assert!(
            matches!(
                root(bytes),
                Err(Fault::Damaged(_) | Fault::Foreign { .. } | Fault::Cut(_))
            ),
            "{bytes:?}"
        );
    }
    // Lengths of 4 GiB and of 2^63, followed by nothing.
    assert!(matches!(
        root(b"\x80\x02X\xff\xff\xff\xff"),
        Err(Fault::Cut(_))
    ));
    assert!(matches!(
        root(b"\x80\x04\x8d\xff\xff\xff\xff\xff\xff\xff\x7f"),
        Err(Fault::Cut(_))
    ));
}

#[test]
fn deep_nesting_does_not_recurse() {
    let mut bytes = b"\x80\x02)".to_vec();
    bytes.resize(500_000, 0x85);
    bytes.push(b'.');
    assert!(matches!(root(&bytes), Ok(Object::Tuple(_))));
}

#[test]
fn a_long_list_used_over_and_over() {
    // OrderedDict(pairs) of one list of 10000 pairs, over and over.
    let mut bytes = b"\x80\x02ccollections\nOrderedDict\nq\x00](".to_vec();
    bytes.extend(b"N]\x86".repeat(10_000));
    bytes.extend(b"e\x85q\x01");
    bytes.extend(b"h\x00h\x01R".repeat(100_000));
    bytes.push(b'.');
    assert!(message(&bytes).contains("more than 4194304 values"));
}

#[test]
fn more_values_than_any_checkpoint_has() {
    let mut bytes = b"\x80\x02".to_vec();
    bytes.resize((1 << 22) + 10, b'N');
    assert!(message(&bytes).contains("more than 4194304 values"));
}
