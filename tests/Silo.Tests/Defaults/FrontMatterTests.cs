using Beadhub.Hosting.Defaults;

namespace Beadhub.Silo.Tests.Defaults;

public class FrontMatterTests
{
    [Theory]
    [InlineData("---\nid: a.b\ntitle: A title\n---\n\n# Body\n\n---\nmore\n", "a.b", "A title", "# Body\n\n---\nmore")]
    [InlineData("\ufeff---\r\nid: \"1\"\r\ntitle: 'It: is'\r\nother: x\r\n# note\r\n---\r\n", "1", "It: is", "")]
    public void A_head_is_read(string text, string id, string title, string body) =>
        FrontMatter.Parse(text).ShouldBe(new FrontMatter(id, title, body));

    [Theory]
    [InlineData("")]
    [InlineData("id: a\ntitle: b\n")]
    [InlineData("---\nid: a\ntitle: b\n")]
    [InlineData("---\nid: a\n---\n")]
    [InlineData("---\ntitle: a\n---\n")]
    [InlineData("---\nid: a\nid: b\ntitle: c\n---\n")]
    [InlineData("---\nid: 5\ntitle: c\n---\n")]
    [InlineData("---\nid: true\ntitle: c\n---\n")]
    [InlineData("---\nid:\ntitle: c\n---\n")]
    [InlineData("---\nid: [a]\ntitle: c\n---\n")]
    [InlineData("---\nid: a\ntitle: b: c\n---\n")]
    [InlineData("---\nid: a\ntitle: \"b\n---\n")]
    [InlineData("---\n- a\n---\n")]
    public void Anything_else_is_refused(string text) => Should.Throw<FormatException>(() => FrontMatter.Parse(text));
}
