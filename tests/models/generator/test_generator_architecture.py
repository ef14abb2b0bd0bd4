import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import UsageError
from models.generator import architecture as arch
from models.generator.layers import Conv, Shuffle, Upsample
from models.generator.parameters import mac_count, parameter_count


def test_johnson_has_the_parameters_of_the_paper():
    # Counted by hand from supplementary table 1, with affine instance norm.
    assert parameter_count(arch.johnson(1.0)) == 1_679_235


def test_alpha_scales_every_width():
    wide = [p.conv.out for p in arch.convolutions(arch.johnson(1.0))]
    narrow = [p.conv.out for p in arch.convolutions(arch.johnson(0.25))]
    assert [w // 4 for w in wide[:-1]] == narrow[:-1]
    assert narrow[-1] == 3


@pytest.mark.parametrize("alpha", [0.0, -1.0, 1.5])
@pytest.mark.parametrize("build", list(arch.MODEL_SIZES.values()))
def test_alpha_outside_its_range_is_refused(build, alpha):
    with pytest.raises(UsageError, match="alpha"):
        build(alpha)


@given(
    alpha=st.floats(0.05, 1.0),
    head=st.sampled_from(["half", "quarter", "shuffle"]),
    block=st.sampled_from(["inverted", "dense", "separable"]),
    stride=st.sampled_from([4, 8]),
)
def test_every_fast_variant_survives_json_and_ends_in_rgb_at_full_size(alpha, head, block, stride):
    a = arch.fast(alpha, head=head, block=block, stride=stride, stem_kernel=2 * stride)
    assert arch.from_json(arch.to_json(a)) == a
    last = list(arch.convolutions(a))[-1]
    enlarged = 1.0
    for layer in a.layers[a.layers.index(last.conv) + 1 :]:
        assert isinstance(layer, Upsample | Shuffle)
        enlarged *= layer.factor
    assert last.scale == enlarged


def test_multiplications_of_one_convolution_are_counted_right():
    a = arch.Architecture("one", 1.0, (Conv(8, 4, stride=4),), stride=4, margin=0, residual=False)
    assert mac_count(a, 8, 8) == 8 * 3 * 16 * 4


def test_an_unknown_head_is_named():
    with pytest.raises(UsageError, match=r"unknown head 'hal'; did you mean 'half'"):
        arch.fast(head="hal")  # type: ignore[arg-type]
