"""What OData 3 asks for."""

from creatio_async.protocol.dialect3 import Dialect3


def test_json_is_asked_for_by_the_name_that_version_2_knows_as_well() -> None:
    wanted = "application/json;odata=verbose, application/json;q=0.9"
    dialect = Dialect3(form="json")
    assert dialect.accept_rows(annotated=False)["Accept"] == wanted
    assert dialect.accept["Accept"] == wanted
