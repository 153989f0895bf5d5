using Beadhub.Projects;

namespace Beadhub.Grains.Tests.Projects;

/// <summary>Keys of agents (protocol 12.1).</summary>
public class DidKeyTests
{
    [Fact]
    public void The_protocols_vector_holds()
    {
        var key = DidKey.OfSeed([.. Enumerable.Range(0, 32).Select(i => (byte)i)]);

        key.Did.ShouldBe("did:key:z6MkehRgf7yJbgaGfYsdoAsKdBPE3dj2CYhowQdcjqSJgvVd");
        key.PublicKey
            .ShouldBe(Convert.ToBase64String(Convert.FromHexString("03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8"))
            .TrimEnd('=').Replace('+', '-').Replace('/', '_'));
    }

    [Fact]
    public void Every_key_is_another() => DidKey.Make().Did.ShouldNotBe(DidKey.Make().Did);
}
