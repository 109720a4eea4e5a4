"""Tests of the table, with values computed by hand."""

import unittest

import table


def result(rows, ours="a"):
    given = {"title": "T", "unit": "ms", "ours": ours, "rows": rows, "remarks": ["A remark."]}
    machine = {"processor": "P", "CPUs": 2}
    return {"section": "cold", "quick": False, "machine": machine, "tables": [given], "missing": ["c: not installed"]}


def row(name, values, **notes):
    return {"name": name, "what": f"{name} 1.0", "values": values, "notes": notes}


class Table(unittest.TestCase):
    def test_a_ratio_is_the_median_of_the_rounds_ratios_not_the_ratio_of_medians(self):
        # 4/1, 2/2, 9/3: the median is 3; the ratio of the medians would be 4/2.
        self.assertEqual(table.ratio([4.0, 2.0, 9.0], [1.0, 2.0, 3.0]), "3.00")

    def test_rounds_that_were_not_run_in_pairs_have_no_ratio(self):
        with self.assertRaises(ValueError):
            table.ratio([1.0], [1.0, 2.0])

    def test_without_ours_there_is_no_ratio(self):
        self.assertEqual(table.ratio([1.0], None), "")

    def test_figures_keep_what_counts(self):
        given = [1234.5, 100.4, 99.96, 12.34, 1.234, 0.0125]
        self.assertEqual([table.figure(x) for x in given], ["1,234", "100", "100.0", "12.3", "1.23", "0.01"])

    def test_a_page_has_medians_ratios_notes_and_what_is_missing(self):
        rows = [row("a", [3.0, 1.0, 2.0]), row("b", [6.0, 5.0, 2.0], cosine="0.9")]
        page = table.page([result(rows)])
        # 6/3, 5/1, 2/2: 2.
        for line in [
            "Processor P, CPUs 2.",
            "|  | ms | min – max | ratio | what | cosine |",
            "| **a** | 2.00 | 1.00 – 3.00 | 1.00 | a 1.0; 3 rounds |  |",
            "| b | 5.00 | 2.00 – 6.00 | 2.00 | b 1.0; 3 rounds | 0.9 |",
            "A remark.",
            "- c: not installed",
        ]:
            self.assertIn(line, page.splitlines())


if __name__ == "__main__":
    unittest.main()
