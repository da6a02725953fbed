"""The types that a client accepts, with their weights (RFC 9110, 12.5.1)."""


def weights_of(accept: str) -> dict[str, float | None]:
    """Return the weight of each type that Accept names, in lower case; None for one that is no number.

    weights_of('text/html, */*;q=0.8')      # {'text/html': 1.0, '*/*': 0.8}
    """
    weights: dict[str, float | None] = {}
    for media_range in accept.lower().split(','):
        media_type, *parameters = [part.strip(' \t') for part in media_range.split(';')]
        weights[media_type] = weight_of(parameters)
    return weights


def weight_of(parameters: list[str]) -> float | None:
    """Return the weight `q` among the parameters of a type, 1 without one; None if it is no number (12.4.2)."""
    for parameter in parameters:
        name, _, value = parameter.partition('=')
        if name.strip() == 'q':
            try:
                return float(value)
            except ValueError:
                return None
    return 1.0
