from datetime import UTC, datetime

import pytest

from imagery.exports import cell, csv_response


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@sum", "\tx", "\rx", "\nx", "  =1"])
def test_text_that_would_run_is_held(text):
    assert cell(text) == "'" + text


def test_numbers_stay_numbers_and_unknown_stays_empty():
    assert cell(-3) == -3
    assert cell(-0.5) == -0.5
    assert cell(None) == ""
    assert cell("a=b") == "a=b"
    assert cell("a\0b") == "ab"
    assert cell(datetime(2017, 9, 20, 10, tzinfo=UTC)) == "2017-09-20T10:00:00+00:00"


def test_a_table_is_streamed():
    response = csv_response("storm-posts", ["id", "text"], iter([[1, 'a "b", c'], [2, None]]))
    assert response.streaming
    assert b"".join(response) == b'id,text\r\n1,"a ""b"", c"\r\n2,\r\n'
    assert response["Content-Disposition"] == 'attachment; filename="storm-posts.csv"'
