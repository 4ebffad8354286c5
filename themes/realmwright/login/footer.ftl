<#-- Whoever administers a realm can write its attributes. So nothing gets into the page but a colour, and https addresses of
     characters that end nothing in HTML or CSS; what is anything else is as good as not there. -->
<#function colour name>
  <#local value = realm.getAttribute(name)!"">
  <#if value?matches(r"#[0-9a-fA-F]{6}")><#return value></#if>
  <#return "">
</#function>
<#function address name>
  <#local value = realm.getAttribute(name)!"">
  <#if value?length lte 500 && value?matches(r"https://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._~!$&*+=:@%/?-]*)?")><#return value></#if>
  <#return "">
</#function>
<#macro content>
  <#local primary = colour("brand.primary") onPrimary = colour("brand.onPrimary")>
  <#local logo = address("brand.logo") image = address("brand.image")>
  <#local terms = address("brand.terms") privacy = address("brand.privacy")>
  <style>
    :root {
      <#if primary?has_content && onPrimary?has_content>
      --brand-primary: ${primary?no_esc};
      --brand-on-primary: ${onPrimary?no_esc};
      </#if>
      <#if logo?has_content>--brand-logo: url("${logo?no_esc}");</#if>
      <#if image?has_content>--brand-image: url("${image?no_esc}");</#if>
    }
  </style>
  <#if logo?has_content><span class="brand-has-logo" hidden></span></#if>
  <#if image?has_content><div class="brand-image" aria-hidden="true"></div></#if>
  <#if terms?has_content || privacy?has_content>
    <nav class="brand-links" aria-label="${msg('brandLinks')}">
      <#if terms?has_content><a href="${terms}" target="_blank" rel="noopener noreferrer">${msg("brandTerms")}</a></#if>
      <#if privacy?has_content><a href="${privacy}" target="_blank" rel="noopener noreferrer">${msg("brandPrivacy")}</a></#if>
    </nav>
  </#if>
</#macro>
