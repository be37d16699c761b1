from itertools import islice

from creatio_async.data import CITIES, City, cities


def test_there_are_as_many_cities_as_said_and_each_has_an_id_of_its_own() -> None:
    ids = [city.geoname_id for city in cities()]
    assert len(ids) == CITIES == 34_006
    assert ids == sorted(set(ids))


def test_a_city_has_the_types_that_it_names() -> None:
    assert next(cities()) == City(
        362, "Shahrak-e Qods", "Iran", "IR", "Asia/Tehran", 29774, 35.75936, 51.37601
    )


def test_every_city_has_a_name_a_country_and_a_time_zone() -> None:
    for city in cities():
        assert city.name
        assert len(city.country_code) == 2
        assert "/" in city.time_zone


def test_a_reader_may_stop_half_way_and_start_again() -> None:
    assert list(islice(cities(), 3)) == list(islice(cities(), 3))
